package dev.millrace.bench.contestant;

import dev.millrace.cli.Providers.BenchLauncher.Peer;
import dev.millrace.sandbox.SandboxPostgres;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;

/// The physical limit of a copy by one stream: a process that reads a COPY from the source and
/// writes it as a COPY to the target. Its clock starts when both sessions are open.
public final class CopyPipe implements Contestant {

    @Override
    public String name() {
        return Peer.COPY_PIPE.toString();
    }

    @Override
    public OrdersTable.Form form() {
        return OrdersTable.Form.COPIED;
    }

    @Override
    public Map<String, String> settings() {
        return Map.of(
                "process", "one JVM with pgjdbc, two threads",
                "format", "text",
                "buffer", CopyPipeProcess.BUFFERS + " x " + CopyPipeProcess.BUFFER + " bytes",
                "transaction", "one");
    }

    @Override
    public Copying start(Route route) throws IOException {
        ChildProcess process =
                ChildProcess.start(
                        "The COPY pipe",
                        ChildProcess.java(
                                List.of("-Xmx256m"),
                                CopyPipeProcess.class.getName(),
                                route.servers().source().jdbcUrl(route.sourceDatabase()),
                                route.servers().target().jdbcUrl(route.targetDatabase()),
                                SandboxPostgres.SUPERUSER,
                                "COPY public.orders TO STDOUT",
                                "COPY public.orders FROM STDIN"),
                        Map.of(),
                        route.folder().resolve("copy-pipe.log"),
                        ProcessBuilder.Redirect.PIPE);
        try {
            return begun(process, route.servers());
        } catch (IOException | RuntimeException e) {
            process.close();
            throw e;
        }
    }

    private static Copying begun(ChildProcess process, BenchServers servers) throws IOException {
        OutputStream input = process.process().getOutputStream();
        String passwords = servers.source().password() + "\n" + servers.target().password() + "\n";
        input.write(passwords.getBytes(StandardCharsets.UTF_8));
        input.flush();
        BufferedReader output =
                new BufferedReader(
                        new InputStreamReader(
                                process.process().getInputStream(), StandardCharsets.UTF_8));
        if (!CopyPipeProcess.READY.equals(output.readLine())) {
            process.requireAlive();
            throw new ContestantFailed("The COPY pipe did not open its sessions.");
        }
        return new Pipe(process, input);
    }

    /// A process that starts to copy when it reads a line, at the first question whether it has
    /// begun, so that its clock excludes the start of the process.
    static final class Pipe implements Copying {

        private final ChildProcess process;
        private final OutputStream input;
        private boolean started;

        Pipe(ChildProcess process, OutputStream input) {
            this.process = process;
            this.input = input;
        }

        @Override
        public boolean hasBegun() throws IOException {
            boolean before = started;
            if (!started) {
                started = true;
                input.write((CopyPipeProcess.GO + "\n").getBytes(StandardCharsets.UTF_8));
                input.flush();
            }
            return before;
        }

        @Override
        public boolean follows() {
            process.requireAlive();
            return false;
        }

        @Override
        public List<Long> processes() {
            return List.of(process.pid());
        }

        @Override
        public void stop() throws SQLException {
            throw new UnsupportedOperationException("A COPY follows no changes.");
        }

        @Override
        public void resume() throws SQLException {
            throw new UnsupportedOperationException("A COPY follows no changes.");
        }

        @Override
        public void close() {
            process.close();
        }
    }
}
