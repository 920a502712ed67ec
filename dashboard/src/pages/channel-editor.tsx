// Channel editor page: all fields of a channel, new or known, and its ABR profiles.
export default function ChannelEditor() {
  return null;
}
