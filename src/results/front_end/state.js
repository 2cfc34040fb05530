// What is shown, in the URL's fragment: a copied address shows the same.

/** @typedef {Record<string, string>} Choices by name: "framework", "scheme" (comma-separated, hidden), "find", … */

/** @returns {Choices} */
export function readChoices() {
  return Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
}

/** Keeps one choice; empty takes it away. @param {string} name @param {string} value */
export function keepChoice(name, value) {
  const choices = new URLSearchParams(location.hash.slice(1));
  if (value) choices.set(name, value);
  else choices.delete(name);
  history.replaceState(null, "", choices.size > 0 ? `#${choices}` : location.pathname + location.search);
}

/** @param {string} name @returns {Set<string>} */
export function hiddenOf(name) {
  return new Set((readChoices()[name] ?? "").split(",").filter(Boolean));
}

/** @param {string} name @param {string} value */
export function toggleHidden(name, value) {
  const hidden = hiddenOf(name);
  if (!hidden.delete(value)) hidden.add(value);
  keepChoice(name, [...hidden].sort().join(","));
}
