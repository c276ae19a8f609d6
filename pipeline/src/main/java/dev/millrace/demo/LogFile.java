package dev.millrace.demo;

import java.nio.file.Path;

/// Where the process logs to while the demo runs: a file in place of the terminal.
public interface LogFile {

    /// From now on everything that is logged goes to this file and nowhere else.
    void open(Path file);
}
