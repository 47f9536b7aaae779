// What to do about the refusal of a registry, by its cause.
import { ConnectionFailure } from "../http/client.js";
import { connectionAdvice } from "../http/connection-advice.js";
import { AuthorizationFailure } from "./auth.js";
import type { RegistryRejection } from "./rejection.js";

const CHANGED = "A proxy changes the responses of the registry, or a mirror is damaged.";
const NO_REGISTRY =
  "Check that this is the address of a container registry, and that no login page or proxy answers in its place.";
const FAULT = "The registry, or a proxy in front of it, has a fault. Try again later, or use another one.";
const PROXY_LOGIN = "The proxy wants a login: write USER:PASSWORD@ before its host in HTTP_PROXY.";

/** `access` is what the user needs, such as `push access`. */
export function adviceFor(rejection: RegistryRejection, access: string): string {
  const { cause, code, status } = rejection;
  if (cause instanceof ConnectionFailure) return connectionAdvice(cause);
  if (cause instanceof AuthorizationFailure && cause.advice !== undefined) return cause.advice;
  if (status === 407) return PROXY_LOGIN;
  if (status === 429)
    return `The registry limits requests. Wait, log in, or set a mirror in the settings (${credentialNote(rejection)}).`;
  if (code === "REGISTRY_UNAVAILABLE") return FAULT;
  if (code === "REGISTRY_AUTH") return adviceOfDenial(rejection, access);
  if (code === "DIGEST_MISMATCH") return CHANGED;
  if (code === "IMAGE_NOT_FOUND") {
    return `Check name and tag. Some registries respond like this for private repositories too: ${credentialNote(rejection)}.`;
  }
  return NO_REGISTRY;
}

function adviceOfDenial(rejection: RegistryRejection, access: string): string {
  const { denial, place } = rejection;
  if (denial?.kind === "storage") {
    return `The registry refers to ${denial.host} for this content, which denied it. Check the clock of this machine, and that the network lets requests to ${denial.host} through unchanged.`;
  }
  if (denial?.kind === "scheme") {
    return `The server accepts only ${denial.schemes} as a login, and only passwords and tokens can be sent. Use an account or a mirror with a password.`;
  }
  const login =
    rejection.credentialOrigin === undefined
      ? `Log in with docker login or podman login: ${credentialNote(rejection)}.`
      : `Log in as a user with ${access}: ${credentialNote(rejection)}.`;
  return denial?.kind === "foreign"
    ? `This is not the response of a registry. A proxy, or the storage behind ${new URL(place).host}, may deny access to this machine. Otherwise: ${login}`
    : login;
}

/** Says which credentials were sent. */
function credentialNote({ credentialHost, credentialOrigin, place }: RegistryRejection): string {
  return credentialOrigin === undefined
    ? `no credentials for ${credentialHost ?? place} were found`
    : `credentials for ${credentialHost ?? place} from ${credentialOrigin} were sent`;
}
