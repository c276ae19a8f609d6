package dev.millrace.bench.contestant;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;
import org.postgresql.copy.CopyOut;

/// The program of the COPY pipe. Arguments: source URL, target URL, user, and both COPY statements.
/// Standard input: both passwords, one per line, then [#GO] when the copy may start. Prints
/// [#READY] when both sessions are open, and ends when the input is closed. One thread reads rows
/// into buffers, one writes buffers.
final class CopyPipeProcess {

    static final String READY = "ready";
    static final String GO = "go";
    static final int BUFFER = 1 << 16;
    static final int BUFFERS = 16;

    private static final Chunk END = new Chunk(new byte[0], 0);

    private CopyPipeProcess() {}

    static void main(String[] arguments) throws Exception {
        BufferedReader input =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (Connection source = connect(arguments[0], arguments[2], input.readLine());
                Connection target = connect(arguments[1], arguments[2], input.readLine())) {
            System.out.println(READY);
            if (!GO.equals(input.readLine())) {
                throw new IOException("Expected the line '" + GO + "'.");
            }
            CopyOut out = source.unwrap(PGConnection.class).getCopyAPI().copyOut(arguments[3]);
            CopyIn in = target.unwrap(PGConnection.class).getCopyAPI().copyIn(arguments[4]);
            copy(out, in);
            // The parent closes the input when it has read this process's CPU time.
            input.readLine();
        }
    }

    private static Connection connect(String url, String user, String password)
            throws SQLException {
        return DriverManager.getConnection(url, user, password);
    }

    static void copy(CopyOut out, CopyIn in) throws SQLException, InterruptedException {
        BlockingQueue<Chunk> chunks = new ArrayBlockingQueue<>(BUFFERS);
        CompletableFuture<Void> reader = CompletableFuture.runAsync(() -> read(out, chunks));
        for (Chunk chunk = chunks.take(); chunk != END; chunk = chunks.take()) {
            in.writeToCopy(chunk.bytes, 0, chunk.length);
        }
        reader.join();
        in.endCopy();
    }

    private static void read(CopyOut out, BlockingQueue<Chunk> chunks) {
        try {
            try {
                byte[] bytes = new byte[BUFFER];
                int length = 0;
                for (byte[] row = out.readFromCopy(); row != null; row = out.readFromCopy()) {
                    if (length > 0 && length + row.length > BUFFER) {
                        chunks.put(new Chunk(bytes, length));
                        bytes = new byte[Math.max(BUFFER, row.length)];
                        length = 0;
                    } else if (row.length > bytes.length) {
                        bytes = new byte[row.length];
                    }
                    System.arraycopy(row, 0, bytes, length, row.length);
                    length += row.length;
                }
                chunks.put(new Chunk(bytes, length));
            } finally {
                chunks.put(END);
            }
        } catch (SQLException e) {
            throw new CompletionException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CompletionException(e);
        }
    }

    private record Chunk(byte[] bytes, int length) {}
}
