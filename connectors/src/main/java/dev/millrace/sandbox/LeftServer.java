package dev.millrace.sandbox;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A server that an earlier process left in our folder. It is ours, and ended, when the process
/// that `postmaster.pid` names has `-D` and our folder in its command line; another program that
/// got the same number is left alone. The caller holds the folder's lock, so no living process of
/// ours owns that server.
final class LeftServer {

    private static final Logger LOG = LoggerFactory.getLogger(LeftServer.class);
    private static final Duration AT_MOST = Duration.ofSeconds(15);

    private LeftServer() {}

    enum Owner {
        OURS,
        ANOTHER,
        UNKNOWN
    }

    static void end(Path data) {
        Optional<PidFile> file = PidFile.read(data);
        if (file.isEmpty() || !ProcessTable.lives(file.get().pid())) {
            return;
        }
        long pid = file.get().pid();
        switch (owner(ProcessTable.commandLine(pid), data)) {
            case OURS -> end(pid, data);
            case ANOTHER -> deleteStale(data);
            case UNKNOWN ->
                    throw new LocalServerException(
                            "Process "
                                    + pid
                                    + " may be a PostgreSQL server in "
                                    + data
                                    + ", but its command line can't be read. Stop it, or choose"
                                    + " another --data-dir.");
        }
    }

    static Owner owner(Optional<List<String>> commandLine, Path data) {
        if (commandLine.isEmpty()) {
            return Owner.UNKNOWN;
        }
        List<String> words = commandLine.get();
        for (int i = 0; i + 1 < words.size(); i++) {
            if (words.get(i).equals("-D") && words.get(i + 1).equals(data.toString())) {
                return Owner.OURS;
            }
        }
        return Owner.ANOTHER;
    }

    private static void end(long pid, Path data) {
        LOG.atWarn()
                .addKeyValue("pid", pid)
                .addKeyValue("folder", data)
                .log("ending a PostgreSQL server that an earlier process left behind");
        ProcessTable.signal("QUIT", List.of(pid));
        ProcessTable.signal("CONT", List.of(pid));
        if (!ProcessTable.awaitEnd(pid, AT_MOST)) {
            ProcessTable.signal("KILL", List.of(pid));
            ProcessTable.awaitEnd(pid, AT_MOST);
        }
    }

    /// PostgreSQL would take any process of that number for a server in its folder.
    private static void deleteStale(Path data) {
        try {
            Files.deleteIfExists(PidFile.in(data));
        } catch (IOException e) {
            throw new LocalServerException(
                    PidFile.in(data) + " is stale and can't be deleted: " + e, e);
        }
    }
}
