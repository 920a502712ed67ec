// Convert page: files in, an operation and its parameters, the conversions of this session with their results.
export default function Convert() {
  return null;
}
