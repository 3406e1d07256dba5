// Tells every open page, and this one, that something in the store has changed.
const listeners = new Set();
const channel = self.BroadcastChannel && new BroadcastChannel("linli");

if (channel) channel.onmessage = () => listeners.forEach((listener) => listener());

export function tell() {
  if (channel) channel.postMessage(1);
  listeners.forEach((listener) => listener());
}

export function listen(listener) {
  listeners.add(listener);
}
