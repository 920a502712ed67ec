// Channel page: one live channel: its player, figures over time, restarts and log.
export default function ChannelPage() {
  return null;
}
