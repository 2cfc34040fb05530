// What the dashboard asks its server.

/**
 * @param {string} name @param {Iterable<[string, string]>} [parameters] @returns {Promise<any>} the answer
 * @throws {Error} in the server's words
 */
export async function ask(name, parameters = []) {
  const response = await fetch(`/api/${name}?${new URLSearchParams([...parameters])}`);
  const answer = await response.json().catch(() => ({error: response.statusText}));
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

/**
 * Calls back with each revision of the store, and again when the connection was lost and found.
 * @param {(revision: number) => void} changed @param {(isConnected: boolean) => void} connected
 */
export function follow(changed, connected) {
  const events = new EventSource("/api/events");
  events.addEventListener("message", event => changed(JSON.parse(event.data).revision));
  events.addEventListener("open", () => connected(true));
  events.addEventListener("error", () => connected(false));
}
