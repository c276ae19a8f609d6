package dev.millrace.capture;

import dev.millrace.capture.position.PositionCodec.UnreadableChangeException;
import dev.millrace.change.Lsn;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.postgres.RunningTransactions;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Optional;

/// Emits watermarks on the source and parses their messages. A watermark is a transactional WAL
/// message alone in its transaction. Its number is the transaction's id, assigned under a lock that
/// is held until the commit, so that numbers increase in commit order. It contains the snapshot in
/// which it was emitted. (A non-transactional message is not ordered with open transactions and may
/// stay unflushed on an idle source.) Thread-safe; each call uses the given connection.
public final class Watermarks {

    private static final String EMIT =
            """
            WITH turn AS MATERIALIZED (
                SELECT set_config('synchronous_commit', 'on', true), pg_advisory_xact_lock(hashtextextended(?, 0)))
            SELECT pg_current_xact_id()::text,
                   pg_logical_emit_message(true, ?,
                       ? || ':' || pg_current_xact_id()::text || ':' || pg_current_snapshot()::text)::text
            FROM turn
            """;

    /// @param lsn WAL position of the message
    public record Emitted(WatermarkNumber number, Lsn lsn) {}

    private final String prefix;
    private final int generation;

    public Watermarks(String migration, int generation) {
        this.prefix = prefix(migration);
        this.generation = generation;
    }

    /// The prefix of the migration's WAL messages.
    public static String prefix(String migration) {
        return "millrace." + migration;
    }

    /// Commits one watermark. Every transaction whose commit was visible to this session before the
    /// call precedes the watermark in the log.
    ///
    /// @param connection in autocommit mode
    public Emitted emit(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(EMIT)) {
            statement.setString(1, prefix);
            statement.setString(2, prefix);
            statement.setString(3, Integer.toString(generation));
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return new Emitted(
                        new WatermarkNumber(generation, Long.parseLong(row.getString(1))),
                        Lsn.parse(row.getString(2)));
            }
        }
    }

    /// The content of a watermark message, of any generation.
    ///
    /// @param source the source's snapshot at the emission; empty in messages of versions that did
    ///   not include it
    public record Message(WatermarkNumber number, Optional<RunningTransactions> source) {}

    /// Whether the message is a watermark of this generation.
    boolean isOfThisGeneration(Message message) {
        return message.number().generation() == generation;
    }

    public static Message parse(byte[] content) {
        String[] parts = new String(content, StandardCharsets.UTF_8).split(":", 3);
        try {
            return new Message(
                    new WatermarkNumber(Integer.parseInt(parts[0]), Long.parseLong(parts[1])),
                    parts.length == 3
                            ? Optional.of(RunningTransactions.parse(parts[2]))
                            : Optional.empty());
        } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException _) {
            throw new UnreadableChangeException(
                    "A WAL message with Millrace's prefix was not written by Millrace ("
                            + content.length
                            + " bytes).");
        }
    }
}
