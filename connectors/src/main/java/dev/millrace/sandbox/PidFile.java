package dev.millrace.sandbox;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// The contents of PostgreSQL's `postmaster.pid`: the process id in the first line, the state in
/// the eighth.
record PidFile(long pid, boolean ready) {

    static Path in(Path data) {
        return data.resolve("postmaster.pid");
    }

    /// Empty when the file does not exist or is not complete yet.
    static Optional<PidFile> read(Path data) {
        try {
            return parse(Files.readAllLines(in(data), StandardCharsets.UTF_8));
        } catch (IOException _) {
            return Optional.empty();
        }
    }

    static Optional<PidFile> parse(List<String> lines) {
        if (lines.isEmpty() || !lines.getFirst().strip().matches("[1-9][0-9]{0,17}")) {
            return Optional.empty();
        }
        boolean ready = lines.size() >= 8 && lines.get(7).strip().equals("ready");
        return Optional.of(new PidFile(Long.parseLong(lines.getFirst().strip()), ready));
    }
}
