// The texts of findings, as data: what is the case, why it matters, and what to do.
import type { Template } from "../../words/phrase.js";

/** The texts of one kind of finding. The values of a finding fill the placeholders of all three. */
export interface FindingText {
  /** What is the case. */
  readonly message: Template;
  /** Why it matters. */
  readonly why: Template;
  /** What to do about it. */
  readonly action: Template;
}

const NEXT_BUILD = "The bundle keeps what it was built with, but another build can get another image.";
const LIST = "The list of images may be incomplete. A Pod whose image is missing does not start.";

/** The texts by kind. A rule has several kinds when it has several messages. */
export const FINDING_TEXTS = {
  "mutable-tag": {
    message: "the tag {tag} moves from image to image",
    why: NEXT_BUILD,
    action: "Use the tag of a release, or a digest.",
  },
  "mutable-tag-missing": {
    message: "the reference has no tag, which means latest",
    why: NEXT_BUILD,
    action: "Use the tag of a release, or a digest.",
  },
  "mutable-tag-part": {
    message: "the tag {tag} is only a part of a version, and moves to every new release of it",
    why: NEXT_BUILD,
    action: "Use the tag of one release, or a digest.",
  },
  "no-digest": {
    message: "the reference has no digest",
    why: "Whoever controls the registry can change the image behind a tag. The bundle keeps the image that it was built with.",
    action: "Pin it where the chart permits it: {pinned}",
  },
  "unqualified-name": {
    message: "the chart writes {written}, without a registry",
    why: "Not every container runtime completes a short name with docker.io; CRI-O and Podman have settings for it.",
    action: "Write the registry in the values of the chart: {qualified}",
  },
  "duplicate-versions": {
    message: "used in {count} versions: {images}",
    why: "Every version takes space in the bundle and on the nodes, and has to be updated and scanned on its own.",
    action: "Set one version in the values of the charts, if they permit it.",
  },
  "low-confidence": {
    message: "found with {confidence} confidence by the rule {rule}",
    why: "Nothing shows for certain that the image is started.",
    action: "Run rehearse to see whether it is requested, or exclude it with images.exclude of the spec.",
  },
  rebuilt: {
    message: "exported from a container engine: its digest differs from that of the registry",
    why: "References by digest do not resolve to it, and signatures of the registry do not cover it.",
    action: "Build with --source registry when digests matter.",
  },
  "root-user": {
    message: "its config sets no user, so it runs as root unless the Pod says otherwise",
    why: "A process that breaks out of a root container is root on the node, and namespaces with the restricted Pod security standard refuse it.",
    action: "Set runAsUser and runAsNonRoot in the values of the chart, or use an image that sets a user.",
  },
  "root-user-set": {
    message: "its config sets the user {user}, which is root",
    why: "A process that breaks out of a root container is root on the node, and namespaces with the restricted Pod security standard refuse it.",
    action:
      "Set runAsUser and runAsNonRoot in the values of the chart, or use an image that sets another user.",
  },
  "old-image": {
    message: "created on {created}, which is {days} days ago; the limit is {limit} days",
    why: "An old image lacks the security fixes of what it was built from.",
    action: "Use a newer version of the image, or of the chart.",
  },
  "large-image": {
    message: "{size}, over the limit of {limit}",
    why: "The limit was set for this audit.",
    action: "Use a smaller image, or raise the limit.",
  },
  "large-layer": {
    message: "{size}, over the limit of {limit}, in {images}",
    why: "Registries and proxies limit the size of one request, and a layer is sent in one.",
    action: "Split the layer where the image is built, or raise the limit.",
  },
  "platform-missing": {
    message: "has no content for {platform}, a platform of the nodes",
    why: "A Pod that is scheduled on such a node does not start.",
    action: "Use a tag that has the platform, or keep the Pods off these nodes.",
  },
  "platform-missing-everywhere": {
    message: "a platform of the nodes, and no image has content for it",
    why: "No Pod starts on such a node.",
    action: "Build with --platform {platforms}.",
  },
  "pull-policy": {
    message: "the pull policy is Always in {objects}",
    why: "The kubelet then asks a registry at every start of a container, also when the node has the image. Without a network the Pod does not start. The command install replaces the policy; helm install does not.",
    action: "Set the pull policy to IfNotPresent in the values of the chart.",
  },
  "pull-policy-implied": {
    message: "the tag is latest and no pull policy is set, which means Always, in {objects}",
    why: "The kubelet then asks a registry at every start of a container, also when the node has the image. Without a network the Pod does not start. The command install sets the policy; helm install does not.",
    action: "Set the pull policy to IfNotPresent, or use another tag, in the values of the chart.",
  },
  "test-only": {
    message: "only helm test starts it, and it is not in the bundle: {objects}",
    why: "helm test fails on the isolated host.",
    action: "Set images.tests of the spec to true if you run helm test there.",
  },
  "test-only-included": {
    message: "only helm test starts it: {objects}",
    why: "It takes space in the bundle and on every node.",
    action: "Set images.tests of the spec to false if you do not run helm test there.",
  },
  "removed-api": {
    message: {
      one: "{count} object uses {api}, which Kubernetes {removed} no longer serves; the cluster is {target}. It is {first}",
      other:
        "{count} objects use {api}, which Kubernetes {removed} no longer serves; the cluster is {target}. The first is {first}",
    },
    why: "The installation fails: the API server does not know the kind.",
    action: "Use a version of the chart that supports the cluster, with {replacement}.",
  },
  "deprecated-api": {
    message: {
      one: "{count} object uses {api}, which Kubernetes {removed} and later do not serve. It is {first}",
      other:
        "{count} objects use {api}, which Kubernetes {removed} and later do not serve. The first is {first}",
    },
    why: "The installation fails on a cluster of that version, and so does an upgrade to it.",
    action: "Use a newer version of the chart, with {replacement}.",
  },
  "large-definition": {
    message: "about {size} as JSON, over the {limit} that annotations may have",
    why: "kubectl apply stores the whole object in an annotation, so it fails. Helm does not upgrade the definitions in crds folders, and they are usually applied by hand.",
    action: "Use kubectl apply --server-side for it.",
  },
  "unpinned-chart": {
    message: "the spec asks for the version {range}",
    why: "Another build can get another version of the chart, with other images.",
    action: "Write the version in the spec: {version}",
  },
  "unpinned-dependency": {
    message: "Chart.yaml gives ranges of versions: {ranges}",
    why: "Whoever updates the dependencies of the chart gets other versions, with other images. The bundle has the charts that it was built with.",
    action: "Write the versions in Chart.yaml, or in dependencies of the chart in the spec.",
  },
  excluded: {
    message: "the spec excludes it: {reason}",
    why: "Pods that use it do not start from the bundle.",
    action: "Check that it is on the nodes, or that nothing starts it.",
  },
  "unknown-operator": { message: "{message}", why: LIST, action: "{hint}" },
  warning: { message: "{message}", why: LIST, action: "{hint}" },
  remark: {
    message: "{message}",
    why: "It was noticed when the images were found, and the list of images is complete all the same.",
    action: "{hint}",
  },
  silenced: {
    message: "{code}: {message}; silenced: {reason}",
    why: "The spec says that the warning is settled.",
    action: "Check the reason from time to time.",
  },
  "suppression-expired": {
    message: "the suppression of {rule} ended on {until}: {reason}",
    why: "The findings count again.",
    action: "Settle the findings, or set a new date in audit.suppress of the spec.",
  },
  "suppression-unused": {
    message: "the suppression of {rule} matches no finding: {reason}",
    why: "It may be a typing error, or what it was for is gone.",
    action: "Remove it from audit.suppress of the spec, or correct its rule and subject.",
  },
} as const satisfies Readonly<Record<string, FindingText>>;

/** A kind of finding. */
export type FindingKind = keyof typeof FINDING_TEXTS;
