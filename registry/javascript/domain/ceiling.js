/**
 * Limits of a delegation: a ceiling over whatever is granted under it, axis by axis.
 *
 * An absent axis is not limited; `"*"` says the same. What a scope leaves out is limited as well: it inherits the
 * limit. Competencies are named one by one or by their frameworks, so where only one of the two is limited, the other
 * grants nothing.
 *
 * @module
 */

/** @typedef {import("../evidence/proved_records.js").RegistryRecord} RegistryRecord */

const AXES = [
  "credential_types",
  "achievement_types",
  "frameworks",
  "competencies",
  "programs",
  "fields_of_study",
  "levels",
  "jurisdictions",
  "delivery_modes",
];
/** @type {Readonly<Record<string, string>>} */
const OTHER = { competencies: "frameworks", frameworks: "competencies" };

/**
 * Return the scope of all that limits allow.
 *
 * @param {RegistryRecord} limits
 * @returns {RegistryRecord}
 */
export function ceiling(limits) {
  /** @type {RegistryRecord} */
  const scope = {};
  for (const name of AXES) {
    const other = OTHER[name];
    if (limits[name] !== undefined) scope[name] = limits[name];
    else if (other === undefined || !Array.isArray(limits[other])) scope[name] = "*";
  }
  if ("inherit_to_narrower" in limits) scope.inherit_to_narrower = limits.inherit_to_narrower;
  return scope;
}

/**
 * Return a scope with the limit on every axis that it leaves out.
 *
 * @param {RegistryRecord} scope
 * @param {RegistryRecord} limits
 * @returns {RegistryRecord}
 */
export function inherited(scope, limits) {
  const missing = AXES.filter(
    (name) => Array.isArray(limits[name]) && !(name in scope) && !((OTHER[name] ?? name) in scope),
  );
  if (!missing.length) return scope;
  const narrower = "inherit_to_narrower";
  const taken = missing.includes("competencies") && narrower in limits ? [...missing, narrower] : missing;
  return { ...scope, ...Object.fromEntries(taken.map((name) => [name, limits[name]])) };
}
