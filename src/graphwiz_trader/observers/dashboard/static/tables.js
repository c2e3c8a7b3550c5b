// Tables that are redrawn a few times a second: rows and cells stay, only text that changed is written.
// A cell is a string, or {text, tone, title}. All text goes in as textContent, so nothing in it is ever markup.

const NUMBER = ">";

export class LiveTable {
  // columns: headings; one that begins with ">" holds numbers and is right-aligned, with "~" long text that wraps.
  constructor(table, columns, emptyText) {
    this.classes = columns.map((name) => ({ [NUMBER]: "number", "~": "text" })[name[0]] ?? "");
    const head = table.createTHead().insertRow();
    columns.forEach((name, column) => {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = this.classes[column] ? name.slice(1) : name;
      cell.className = this.classes[column];
      head.append(cell);
    });
    this.body = table.createTBody();
    this.emptyText = emptyText;
  }

  show(rows) {
    if (rows.length === 0) {
      const cell = document.createElement("td");
      cell.colSpan = this.classes.length;
      cell.className = "empty";
      cell.textContent = this.emptyText;
      const row = document.createElement("tr");
      row.append(cell);
      this.body.replaceChildren(row);
      this.isEmpty = true;
      return;
    }
    if (this.isEmpty) {
      this.body.replaceChildren();
      this.isEmpty = false;
    }
    while (this.body.rows.length > rows.length) this.body.deleteRow(-1);
    rows.forEach((cells, number) => this.showRow(this.body.rows[number] ?? this.newRow(), cells));
  }

  newRow() {
    const row = this.body.insertRow();
    for (let column = 0; column < this.classes.length; column++) row.insertCell();
    return row;
  }

  showRow(row, cells) {
    cells.forEach((value, column) => {
      const { text, tone = "", title = "" } = typeof value === "object" && value !== null ? value : { text: value };
      const cell = row.cells[column];
      setText(cell, text ?? "–");
      const className = `${this.classes[column]} ${tone}`.trim();
      if (cell.className !== className) cell.className = className;
      if (cell.title !== title) cell.title = title;
    });
  }
}

export function setText(element, text) {
  const wanted = String(text);
  if (element.textContent !== wanted) element.textContent = wanted;
}
