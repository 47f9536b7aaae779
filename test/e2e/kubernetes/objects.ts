// Objects of the charts that the tests on Kubernetes write.

/** A Deployment of one Pod, which ends quickly. `container` has more fields of its container. */
export function deployment(name: string, image: string, container: object = {}): object {
  const labels = { app: name };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { terminationGracePeriodSeconds: 1, containers: [{ name: "main", image, ...container }] },
      },
    },
  };
}
