/** Values of `cryfold report --format`. */
export const REPORT_FORMATS = ['html', 'md', 'json', 'csv'] as const;
