// Which cluster kubectl and helm are pointed at.

/** Which cluster is meant: flags of kubectl and helm alike. */
export interface ClusterChoice {
  readonly context?: string | undefined;
  /** Absolute path; without it KUBECONFIG and ~/.kube/config hold. */
  readonly kubeconfig?: string | undefined;
}

/** Flags that name the cluster, as the program calls them. */
export function kubeconfigFlags(choice: ClusterChoice, file: string, context: string): readonly string[] {
  return [
    ...(choice.kubeconfig === undefined ? [] : [`${file}=${choice.kubeconfig}`]),
    ...(choice.context === undefined ? [] : [`${context}=${choice.context}`]),
  ];
}
