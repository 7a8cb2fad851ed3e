/** What `cryfold report --format` takes. */
export const REPORT_FORMATS = ['html', 'md', 'json', 'csv'] as const;
