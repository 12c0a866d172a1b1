// Runs theme check's strictest set for theme app extensions on a folder; one line an offence, exit code 1 if there is one.
// `node theme_check.mjs FOLDER NODE_MODULES`; tests run it, no network is needed.
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [folder, modules] = process.argv.slice(2);
const { themeCheckRun } = createRequire(`${resolve(modules)}/`)("@shopify/theme-check-node");
const { offenses } = await themeCheckRun(resolve(folder), "theme-check:theme-app-extension", () => {});
for (const { check, uri, start, message } of offenses) {
  console.log(`${check} ${uri.split("/").slice(-2).join("/")}:${(start?.line ?? 0) + 1} ${message}`);
}
process.exit(offenses.length ? 1 : 0);
