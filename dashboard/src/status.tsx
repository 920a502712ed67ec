// A status as a word with a colour, and a progress bar.
export function Status({ status }: { status: string }) {
  return <span className={`status ${status}`}>{status}</span>;
}

export function Bar({ value, label }: { value: number; label: string }) {
  return <progress value={value} max={100} aria-label={label} />;
}
