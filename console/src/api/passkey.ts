// The proof of a person: a passkey signs a challenge that the daemon made for one request.

/** Bytes as the interface writes them: base64 of the alphabet for addresses, unpadded. */
export function toText(bytes: ArrayBuffer | null): string {
  if (bytes === null) return "";
  const characters = Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join("");
  return btoa(characters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function toBytes(text: string): Uint8Array<ArrayBuffer> {
  const characters = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(characters, (character) => character.charCodeAt(0));
}

/** Why no passkey can be used at this address, if so. */
export function hindrance(location: { hostname: string; port: string }, secure: boolean): string | undefined {
  if (/^[\d.]+$|:/.test(location.hostname)) {
    return `passkeys need a name, not a number: open http://localhost:${location.port} instead`;
  }
  return secure ? undefined : "passkeys need a safe connection: open the console at localhost, or over https";
}

function ready(): void {
  const problem = hindrance(window.location, window.isSecureContext);
  if (problem) throw new Error(problem);
  if (!("credentials" in navigator)) throw new Error("this browser has no passkeys; use `ringfence watch`");
}

function listed(
  list: PublicKeyCredentialDescriptorJSON[] | undefined,
): PublicKeyCredentialDescriptor[] | undefined {
  return list?.map((it) => ({ ...it, id: toBytes(it.id) }) as PublicKeyCredentialDescriptor);
}

/** Asks for the passkey. */
export async function prove(options: PublicKeyCredentialRequestOptionsJSON): Promise<unknown> {
  ready();
  const publicKey = {
    ...options,
    challenge: toBytes(options.challenge),
    allowCredentials: listed(options.allowCredentials) ?? [],
  } as PublicKeyCredentialRequestOptions;
  const credential = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential | null;
  if (!credential) throw new Error("no passkey answered; nothing was changed");
  const response = credential.response as AuthenticatorAssertionResponse;
  return {
    ...envelope(credential),
    response: {
      clientDataJSON: toText(response.clientDataJSON),
      authenticatorData: toText(response.authenticatorData),
      signature: toText(response.signature),
      userHandle: toText(response.userHandle) || undefined,
    },
  };
}

/** Makes a passkey. */
export async function enrol(options: PublicKeyCredentialCreationOptionsJSON): Promise<unknown> {
  ready();
  const publicKey = {
    ...options,
    challenge: toBytes(options.challenge),
    user: { ...options.user, id: toBytes(options.user.id) },
    excludeCredentials: listed(options.excludeCredentials) ?? [],
  } as PublicKeyCredentialCreationOptions;
  const credential = (await navigator.credentials.create({ publicKey })) as PublicKeyCredential | null;
  if (!credential) throw new Error("no passkey was made");
  const response = credential.response as AuthenticatorAttestationResponse;
  return {
    ...envelope(credential),
    response: {
      clientDataJSON: toText(response.clientDataJSON),
      attestationObject: toText(response.attestationObject),
      authenticatorData: toText(response.getAuthenticatorData?.() ?? null) || undefined,
      publicKey: toText(response.getPublicKey?.() ?? null) || undefined,
      publicKeyAlgorithm: response.getPublicKeyAlgorithm?.(),
      transports: response.getTransports?.() ?? [],
    },
  };
}

function envelope(credential: PublicKeyCredential) {
  return {
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: {},
  };
}
