import { execFileSync } from 'node:child_process';

export interface SelfSigned {
  /** Paths to which the PEM files are written */
  key: string;
  certificate: string;
  /** Names for which the certificate is valid, such as `DNS:api.test` and `IP:127.0.0.1` */
  names: readonly string[];
}

/** Creates a self-signed certificate that is valid for two days. @throws Error if openssl is missing */
export function selfSigned({ key, certificate, names }: SelfSigned): void {
  const request = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const subject = ['-subj', '/CN=test', '-addext', `subjectAltName=${names.join()}`];
  execFileSync('openssl', ['req', ...request, ...subject, '-keyout', key, '-out', certificate], { stdio: 'ignore' });
}
