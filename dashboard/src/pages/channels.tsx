// Channels page: every live channel with its picture and state.
export default function Channels() {
  return null;
}
