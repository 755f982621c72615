// Checks dashboards against the schema that Grafana publishes as types: no field that it does not
// know, none missing, none of another type; of each panel also the options of its kind.
//
// node dashboards.mjs BOARD.json ...
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import ts from "typescript";

const raw = "@grafana/schema/dist/types/raw";
// Values of JSON: where the schema has a named value, its text.
const plain = `
type Plain<T> = T extends string ? \`\${T}\` : T extends number | boolean | null | undefined ? T
  : T extends Array<infer One> ? Array<Plain<One>> : T extends object
  ? { [Name in keyof T]: Plain<T[Name]> } : T;
`;
const kinds = { timeseries: "TimeSeries", stat: "Stat" };

const typed = (board) => {
  const { panels, ...frame } = board;
  const lines = [
    `import type * as one from "${raw}/dashboard/x/dashboard_types.gen.d.ts";`,
    ...Object.entries(kinds).map(
      ([kind, name]) =>
        `import type * as ${kind} from "${raw}/composable/${kind}/panelcfg/x/${name}PanelCfg_types.gen.d.ts";`,
    ),
    plain,
    `export const frame: Plain<Omit<one.Dashboard, "panels">> = ${JSON.stringify(frame)};`,
  ];
  panels.forEach((panel, number) => {
    const { type, title, options, fieldConfig } = panel;
    const is = type === "row" ? "RowPanel" : "Panel";
    const say = (what, value) => lines.push(`// ${title}\nexport const ${what} = ${JSON.stringify(value)};`);
    say(`panel${number}: Plain<one.${is}>`, panel);
    if (type === "row") return;
    if (!(type in kinds)) throw new Error(`${title}: no schema is read here for panels of ${type}`);
    // What has a default is not optional there.
    say(`options${number}: Partial<Plain<${type}.Options>>`, options);
    if (type === "timeseries") {
      say(`custom${number}: Plain<timeseries.FieldConfig>`, fieldConfig.defaults.custom);
    }
  });
  return lines.join("\n");
};

const folder = mkdtempSync("boards-");
try {
  const names = process.argv.slice(2).map((path) => {
    const name = join(folder, `${basename(path, ".json")}.ts`);
    writeFileSync(name, typed(JSON.parse(readFileSync(path, "utf8"))));
    return name;
  });
  const options = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    target: ts.ScriptTarget.ES2022,
    types: [],
  };
  const found = ts.getPreEmitDiagnostics(ts.createProgram(names, options));
  for (const fault of found) {
    const at = fault.file ? fault.file.text.slice(0, fault.start).split("\n") : [];
    const title = at.findLast((line) => line.startsWith("// ")) ?? "";
    const said = ts.flattenDiagnosticMessageText(fault.messageText, " ");
    console.error(`${basename(fault.file?.fileName ?? "")}${title.slice(2)}: ${said}`);
  }
  process.exitCode = found.length || !names.length ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true });
}
