package dev.millrace.bench;

import dev.millrace.sandbox.SandboxPostgres;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// Updates orders on the source by several sessions at once. Each session has its own keys, so none
/// waits for another. Which rows are changed is the same in every run. Stateless.
///
/// @param rows the keys are 1 to this number
record ChangeWriter(SandboxPostgres source, String database, long rows) {

    static final int SESSIONS = 4;

    /// The first changes update these keys, from 1, once each and in order, so that their arrival
    /// shows that a backlog has begun to arrive.
    static final int FIRST_KEYS = 100;

    static final String UPDATE =
            "UPDATE public.orders SET amount = amount + 0.01, status = 'CHANGED', created_at ="
                    + " created_at + interval '1 second' WHERE id = ?";

    static ChangeWriter of(Turn turn) {
        return new ChangeWriter(
                turn.route().servers().source(), turn.route().sourceDatabase(), turn.rows());
    }

    /// Writes transactions of one row. They are not waited for on disk, because the time that they
    /// take is not measured.
    void writeBacklog(long changes) throws SQLException {
        write(changes, 1, "SET synchronous_commit = off");
    }

    /// Writes transactions of several rows, durably, as fast as possible.
    void write(long changes, int perTransaction) throws SQLException {
        write(changes, perTransaction, "SET synchronous_commit = on");
    }

    private void write(long changes, int perTransaction, String setting) throws SQLException {
        long first = Math.min(Math.min(changes, rows), FIRST_KEYS);
        try (Connection connection = source.connect(database);
                Statement statement = connection.createStatement();
                PreparedStatement update = connection.prepareStatement(UPDATE)) {
            statement.execute(setting);
            for (long key = 1; key <= first; key++) {
                update.setLong(1, key);
                update.executeUpdate();
            }
        }
        List<Future<?>> sessions = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(SESSIONS)) {
            for (int i = 0; i < SESSIONS; i++) {
                int session = i;
                long share = (changes - first + SESSIONS - 1 - i) / SESSIONS;
                sessions.add(
                        threads.submit(
                                () -> {
                                    writeShare(session, share, perTransaction, setting);
                                    return null;
                                }));
            }
        }
        for (Future<?> session : sessions) {
            try {
                session.get();
            } catch (ExecutionException e) {
                throw new SQLException("A session that writes changes failed.", e);
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
                throw new CancellationException();
            }
        }
    }

    private void writeShare(int session, long changes, int perTransaction, String setting)
            throws SQLException {
        Random random = new Random(session);
        try (Connection connection = source.connect(database);
                Statement statement = connection.createStatement();
                PreparedStatement update = connection.prepareStatement(UPDATE)) {
            statement.execute(setting);
            connection.setAutoCommit(perTransaction == 1);
            long written = 0;
            while (written < changes) {
                if (Thread.currentThread().isInterrupted()) {
                    throw new CancellationException();
                }
                long batch = Math.min(perTransaction, changes - written);
                for (int i = 0; i < batch; i++) {
                    update.setLong(1, key(random, session));
                    update.addBatch();
                }
                update.executeBatch();
                if (perTransaction > 1) {
                    connection.commit();
                }
                written += batch;
            }
        }
    }

    /// A key of this session: keys are dealt to the sessions in turn.
    private long key(Random random, int session) {
        long own = (rows - 1 - session) / SESSIONS + 1;
        return 1 + session + SESSIONS * random.nextLong(Math.max(1, own));
    }
}
