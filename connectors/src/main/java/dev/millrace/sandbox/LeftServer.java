package dev.millrace.sandbox;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Ends a server that an earlier process left in a folder. The process that `postmaster.pid` names
/// is such a server if its command line contains `-D` and the folder; another program that has the
/// same process id is not touched. The caller has the folder's lock, so no running process owns
/// that server.
final class LeftServer {

    private static final Logger LOG = LoggerFactory.getLogger(LeftServer.class);
    private static final Duration END_TIMEOUT = Duration.ofSeconds(15);

    private LeftServer() {}

    enum Owner {
        OURS,
        ANOTHER,
        UNKNOWN
    }

    static void end(Path data) {
        Optional<PidFile> file = PidFile.read(data);
        if (file.isEmpty() || !ProcessTable.isAlive(file.get().pid())) {
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
                                    + ", but its command line cannot be read. Stop it, or choose"
                                    + " another folder.");
        }
    }

    static Owner owner(Optional<List<String>> commandLine, Path data) {
        if (commandLine.isEmpty()) {
            return Owner.UNKNOWN;
        }
        List<String> arguments = commandLine.get();
        for (int i = 0; i + 1 < arguments.size(); i++) {
            if (arguments.get(i).equals("-D") && arguments.get(i + 1).equals(data.toString())) {
                return Owner.OURS;
            }
        }
        return Owner.ANOTHER;
    }

    private static void end(long pid, Path data) {
        LOG.atWarn()
                .addKeyValue("pid", pid)
                .addKeyValue("folder", data)
                .log("ending a PostgreSQL server that an earlier process left");
        ProcessTable.signal("QUIT", List.of(pid));
        ProcessTable.signal("CONT", List.of(pid));
        if (!ProcessTable.awaitEnd(pid, END_TIMEOUT)) {
            ProcessTable.signal("KILL", List.of(pid));
            ProcessTable.awaitEnd(pid, END_TIMEOUT);
        }
    }

    /// PostgreSQL would take any process with this id for a server in its folder.
    private static void deleteStale(Path data) {
        try {
            Files.deleteIfExists(PidFile.in(data));
        } catch (IOException e) {
            throw new LocalServerException(
                    PidFile.in(data) + " is stale and cannot be deleted: " + e, e);
        }
    }
}
