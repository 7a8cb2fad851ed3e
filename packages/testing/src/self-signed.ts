import { execFileSync } from 'node:child_process';

export interface SelfSigned {
  /** Paths of the PEM files to write */
  key: string;
  certificate: string;
  /** Names that it is for, such as `DNS:api.test` and `IP:127.0.0.1` */
  names: readonly string[];
}

/** Makes a certificate for two days, which signs itself. @throws Error if openssl is missing */
export function selfSigned({ key, certificate, names }: SelfSigned): void {
  const request = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const subject = ['-subj', '/CN=test', '-addext', `subjectAltName=${names.join()}`];
  execFileSync('openssl', ['req', ...request, ...subject, '-keyout', key, '-out', certificate], { stdio: 'ignore' });
}
