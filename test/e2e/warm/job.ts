/** A command to run, as a shell would start it. */
export interface Job {
  readonly args: readonly string[];
  /** The program's own file: a run names it to the processes that it starts. */
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
  readonly folder: string;
  /** Base64. */
  readonly stdin: string;
}

/** What it came to. */
export interface Done {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Nothing of it goes on. */
  readonly isClean: boolean;
}
