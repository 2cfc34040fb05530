// The bar that filters: a chip for each framework and scheme, and words to find.
import {element} from "qbench/elements.js";
import {hiddenOf, keepChoice, readChoices, toggleHidden} from "qbench/state.js";
import {colourOf} from "qbench/theme.js";

/** @typedef {import("qbench/data.js").RecordOf} RecordOf */

/** @param {RecordOf[]} records @returns {RecordOf[]} those that the choices leave */
export function filtered(records) {
  const frameworks = hiddenOf("framework"),
    schemes = hiddenOf("scheme");
  const words = (readChoices().find ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  return records.filter(
    record =>
      !frameworks.has(record.framework) &&
      !schemes.has(record.scheme) &&
      words.every(word => `${record.model} ${record.label} ${record.outcome}`.toLowerCase().includes(word)),
  );
}

/** @param {RecordOf[]} records @param {() => void} changed @returns {HTMLElement} */
export function filterBar(records, changed) {
  const chips = (/** @type {"framework"|"scheme"} */ name) => {
    const values = [...new Set(records.map(record => record[name]))];
    if (values.length < 2) return [];
    return [
      element(
        "div",
        {class: "chips", role: "group", "aria-label": `Show ${name}s`},
        element("span", {class: "soft"}, name),
        ...values.map(value => {
          const chip = element(
            "button",
            {type: "button", class: "chip", "aria-pressed": String(!hiddenOf(name).has(value)), "data-value": value},
            value,
          );
          if (name === "framework") chip.style.setProperty("--dot", colourOf(value));
          chip.addEventListener("click", () => {
            toggleHidden(name, value);
            chip.setAttribute("aria-pressed", String(!hiddenOf(name).has(value)));
            changed();
          });
          return chip;
        }),
      ),
    ];
  };
  const find = element("input", {
    type: "search",
    placeholder: "find a case",
    "aria-label": "Find cases",
    value: readChoices().find ?? "",
  });
  find.addEventListener("input", () => {
    keepChoice("find", find.value);
    changed();
  });
  const copy = element(
    "button",
    {
      type: "button",
      class: "chip plain",
      onclick: () => {
        void navigator.clipboard?.writeText(location.href);
        copy.textContent = "copied";
        setTimeout(() => {
          copy.textContent = "copy link";
        }, 1500);
      },
    },
    "copy link",
  );
  return element(
    "nav",
    {class: "filters", "aria-label": "Filter"},
    ...chips("framework"),
    ...chips("scheme"),
    find,
    copy,
  );
}
