// Elements of a page, made without markup: no text of a record can become any.

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag @param {Record<string, string|boolean|EventListener>} [attributes] "onclick" and the like are listeners
 * @param {(Node|string)[]} children @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/**
 * @typedef {{text: string, value?: number|null, title?: string}} Cell
 * @typedef {{columns: {heading: string, isNumber?: boolean}[], rows: Cell[][]}} TableData
 */

/** @param {TableData} data @returns {HTMLElement} that can be sorted */
export function tableOf(data) {
  const head = element(
    "tr",
    {},
    ...data.columns.map(column =>
      column.heading === ""
        ? element("td")
        : element(
            "th",
            {scope: "col", ...(column.isNumber ? {class: "number"} : {})},
            element("button", {type: "button"}, column.heading),
          ),
    ),
  );
  const body = data.rows.map(row =>
    element(
      "tr",
      {},
      ...row.map((cell, place) => {
        const made = element(
          "td",
          {...(data.columns[place].isNumber ? {class: "number"} : {}), ...(cell.title ? {title: cell.title} : {})},
          cell.text,
        );
        if (cell.value !== undefined && cell.value !== null) made.dataset.value = String(cell.value);
        return made;
      }),
    ),
  );
  const table = element("table", {class: "sortable"}, element("thead", {}, head), element("tbody", {}, ...body));
  makeSortable(table);
  return element("div", {class: "table", tabindex: "0", role: "region", "aria-label": "Table"}, table);
}

/** By a click on a heading; absent values last. @param {HTMLTableElement} table */
export function makeSortable(table) {
  table.querySelectorAll("th button").forEach(button =>
    button.addEventListener("click", () => {
      const heading = /** @type {HTMLTableCellElement} */ (button.parentElement),
        column = heading.cellIndex;
      const up = heading.getAttribute("aria-sort") !== "ascending";
      table.querySelectorAll("th").forEach(other => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = (/** @type {HTMLTableRowElement} */ row) => {
        const cell = row.cells[column];
        if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
        return heading.classList.contains("number") ? null : (cell.textContent ?? "");
      };
      const rows = [...table.tBodies[0].rows];
      rows.sort((a, b) => {
        const x = key(a),
          y = key(b);
        if (x === null || y === null) return Number(x === null) - Number(y === null);
        return (x < y ? -1 : x > y ? 1 : 0) * (up ? 1 : -1);
      });
      table.tBodies[0].append(...rows);
    }),
  );
}

/** @param {string} name @param {string} mediaType @param {string|Blob} content */
export function download(name, mediaType, content) {
  const address = URL.createObjectURL(new Blob([content], {type: mediaType}));
  element("a", {href: address, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

/** RFC 4180; a number as it is. @param {TableData} data @returns {string} */
export function csvOf(data) {
  const field = (/** @type {string} */ text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = [
    data.columns.map(column => field(column.heading)),
    ...data.rows.map(row =>
      row.map((cell, place) =>
        data.columns[place].isNumber
          ? cell.value === undefined || cell.value === null
            ? ""
            : String(cell.value)
          : field(cell.text),
      ),
    ),
  ];
  return lines.map(line => line.join(",") + "\r\n").join("");
}
