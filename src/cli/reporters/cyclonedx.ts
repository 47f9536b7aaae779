// Formats the bill of materials of an audit as CycloneDX 1.6, in JSON.
import { ComponentScope, ComponentType, HashAlgorithm } from "@cyclonedx/cyclonedx-library/Enums";
import {
  Bom,
  Component,
  ComponentRepository,
  HashDictionary,
  Metadata,
  Property,
  PropertyRepository,
  Tools,
} from "@cyclonedx/cyclonedx-library/Models";
import { JSON as Json, JsonSerializer } from "@cyclonedx/cyclonedx-library/Serialize";
import { Spec1dot6 } from "@cyclonedx/cyclonedx-library/Spec";
import { billOfMaterials, type BillPart } from "../../core/audit/bill-of-materials.js";
import type { AuditReport } from "../../core/audit/report.js";

const ALGORITHMS: Readonly<Record<string, HashAlgorithm>> = {
  sha256: HashAlgorithm["SHA-256"],
  sha384: HashAlgorithm["SHA-384"],
  sha512: HashAlgorithm["SHA-512"],
};

/**
 * Returns the document (https://cyclonedx.org/docs/1.6/json/). The same report gives the same bytes:
 * the serial number is derived from the content, and the time is that of the newest image.
 * `toolVersion` is the version of this program.
 */
export function formatCycloneDx(report: AuditReport, toolVersion: string): string {
  const bill = billOfMaterials(report);
  const components = new Map(bill.parts.map((part) => [part.ref, toComponent(part)]));
  const connect = (component: Component | undefined, needs: readonly string[]): void => {
    for (const ref of needs) {
      const needed = components.get(ref);
      if (needed !== undefined) component?.dependencies.add(needed.bomRef);
    }
  };
  for (const { ref, needs } of bill.parts) connect(components.get(ref), needs);
  const bundle = new Component(ComponentType.Application, bill.name, {
    bomRef: "bundle",
    version: bill.version,
  });
  connect(bundle, bill.needs);

  const tool = new Component(ComponentType.Application, "viola-airgap", { version: toolVersion });
  const bom = new Bom({
    serialNumber: `urn:uuid:${bill.id}`,
    metadata: new Metadata({
      component: bundle,
      tools: new Tools({ components: new ComponentRepository([tool]) }),
    }),
  });
  if (bill.created !== null) bom.metadata.timestamp = new Date(bill.created);
  for (const component of components.values()) bom.components.add(component);
  return new JsonSerializer(new Json.Normalize.Factory(Spec1dot6)).serialize(bom, {
    sortLists: true,
    space: 1,
  });
}

function toComponent(part: BillPart): Component {
  const { kind, ref, name, version, description, purl, digest, isOptional, properties } = part;
  const [algorithm = "", hex = ""] = digest?.split(":") ?? [];
  const known = ALGORITHMS[algorithm];
  return new Component(kind === "image" ? ComponentType.Container : ComponentType.Application, name, {
    bomRef: ref,
    version,
    purl,
    scope: isOptional ? ComponentScope.Optional : ComponentScope.Required,
    hashes: new HashDictionary(known === undefined ? [] : [[known, hex]]),
    properties: new PropertyRepository(
      Object.entries(properties).map(([key, value]) => new Property(`viola-airgap:${key}`, value)),
    ),
    ...(description !== null && description !== "" && { description }),
  });
}
