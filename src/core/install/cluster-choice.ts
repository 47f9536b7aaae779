// Selects the cluster for kubectl and helm.

/** The selected cluster, for flags of both kubectl and helm. */
export interface ClusterChoice {
  readonly context?: string | undefined;
  /** Absolute path. The default is KUBECONFIG or ~/.kube/config. */
  readonly kubeconfig?: string | undefined;
}

/** Returns the flags that select the cluster. `file` and `context` are the names of the flags. */
export function kubeconfigFlags(choice: ClusterChoice, file: string, context: string): readonly string[] {
  return [
    ...(choice.kubeconfig === undefined ? [] : [`${file}=${choice.kubeconfig}`]),
    ...(choice.context === undefined ? [] : [`${context}=${choice.context}`]),
  ];
}
