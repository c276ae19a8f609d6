package dev.millrace.lifecycle;

import dev.millrace.kafka.BrokerException;
import dev.millrace.postgres.SqlFailure;
import dev.millrace.postgres.SqlState;
import dev.millrace.postgres.SqlState.ErrorClass;
import java.io.IOException;
import java.sql.SQLException;
import java.sql.SQLTransientException;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.FencedInstanceIdException;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.UnknownTopicIdException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.jspecify.annotations.Nullable;

/// Decides what a failure means, for capture, mappings, apply and probes; no other code does. Reads
/// all causes, because the engine, pools and Kafka Streams wrap the server's error. Thread-safe.
public final class FailureClassifier {

    private FailureClassifier() {}

    public static Failure of(Throwable failure) {
        SQLException sql = deepest(failure, SQLException.class);
        if (sql != null) {
            return SqlFailures.of(sql);
        }
        KafkaException kafka = deepestOfKafka(failure);
        if (kafka != null) {
            return KafkaFailures.of(kafka);
        }
        BrokerException broker = deepest(failure, BrokerException.class);
        if (broker != null) {
            return new Failure.Retry(String.valueOf(broker.getMessage()));
        }
        if (deepest(failure, IOException.class) != null
                || deepest(failure, TimeoutException.class) != null) {
            return new Failure.Retry(
                    "no answer (" + root(failure).getClass().getSimpleName() + ")");
        }
        return new Failure.Unexplained(unexpected(root(failure)));
    }

    /// Whether a statement on a table fails on every attempt because of the table or the values, so
    /// that this table alone can be stopped.
    public static boolean rejectsStatement(SQLException failure) {
        return SqlFailures.rejectsStatement(failure);
    }

    /// Whether the session can be used again after a rollback.
    public static boolean keepsSession(SQLException failure) {
        return SqlFailures.keepsSession(failure);
    }

    /// The type and the place. The message is omitted, because it may quote a row.
    static String unexpected(Throwable failure) {
        StackTraceElement[] frames = failure.getStackTrace();
        String place =
                frames.length == 0
                        ? ""
                        : " in " + frames[0].getClassName() + "." + frames[0].getMethodName();
        return "unexpected " + failure.getClass().getSimpleName() + place;
    }

    private static Throwable root(Throwable failure) {
        Throwable root = failure;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return root;
    }

    private static <T extends Throwable> @Nullable T deepest(Throwable failure, Class<T> kind) {
        T found = null;
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (kind.isInstance(cause)) {
                found = kind.cast(cause);
            }
        }
        return found;
    }

    /// Exceptions of Kafka Connect extend KafkaException, but are not about the broker.
    private static @Nullable KafkaException deepestOfKafka(Throwable failure) {
        KafkaException found = null;
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof KafkaException kafka
                    && !cause.getClass().getName().startsWith("org.apache.kafka.connect.")
                    && !(cause.getClass().getName().startsWith("org.apache.kafka.streams.")
                            && cause.getCause() != null)) {
                found = kafka;
            }
        }
        return found;
    }

    /// What a failure of Kafka means.
    static final class KafkaFailures {

        private KafkaFailures() {}

        static Failure of(KafkaException failure) {
            String reason =
                    "Kafka: "
                            + failure.getClass().getSimpleName()
                            + Reason.of(failure).map(message -> ": " + message).orElse("");
            return switch (failure) {
                case OffsetOutOfRangeException lost ->
                        new Failure.Lost(
                                "records of the log were deleted unread: the log no longer contains the offsets "
                                        + lost.offsetOutOfRangePartitions());
                case AuthenticationException _ ->
                        new Failure.OperatorNeeded(
                                reason,
                                "Correct the credentials on the broker, or correct kafka.properties and restart Millrace.");
                case AuthorizationException _ ->
                        new Failure.OperatorNeeded(
                                reason,
                                "Grant the Kafka user of this migration the access that the broker names.");
                case ProducerFencedException _,
                        InvalidProducerEpochException _,
                        FencedInstanceIdException _ ->
                        new Failure.TakenOver(
                                "another process has taken over the log of this migration ("
                                        + reason
                                        + ")",
                                "End the other process, or this one.");
                case RecordTooLargeException _ ->
                        new Failure.OperatorNeeded(
                                reason,
                                "Raise max.message.bytes of the topic, and message.max.bytes of the broker.");
                case UnknownTopicOrPartitionException _, UnknownTopicIdException _ ->
                        new Failure.OperatorNeeded(
                                reason,
                                "If the topic was deleted, its records are lost: end the service, then run it once with 'millrace run --rebackfill'.");
                case UnsupportedVersionException _ ->
                        new Failure.OperatorNeeded(reason, "Upgrade the broker.");
                case RetriableException _ -> new Failure.Retry(reason);
                default -> new Failure.Unexplained(reason);
            };
        }
    }

    /// What a failure of PostgreSQL means, by its kind.
    static final class SqlFailures {

        /// Errors in the statement, its values or its table.
        private static final Set<ErrorClass> REJECTING =
                Set.of(
                        ErrorClass.FEATURE_NOT_SUPPORTED,
                        ErrorClass.CARDINALITY_VIOLATION,
                        ErrorClass.DATA_EXCEPTION,
                        ErrorClass.INTEGRITY_CONSTRAINT_VIOLATION,
                        ErrorClass.TRIGGERED_DATA_CHANGE_VIOLATION,
                        ErrorClass.SQL_ROUTINE_EXCEPTION,
                        ErrorClass.EXTERNAL_ROUTINE_EXCEPTION,
                        ErrorClass.EXTERNAL_ROUTINE_INVOCATION_EXCEPTION,
                        ErrorClass.INVALID_SCHEMA_NAME,
                        ErrorClass.SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION,
                        ErrorClass.WITH_CHECK_OPTION_VIOLATION,
                        ErrorClass.PROGRAM_LIMIT_EXCEEDED,
                        ErrorClass.OBJECT_NOT_IN_PREREQUISITE_STATE,
                        ErrorClass.PLPGSQL_ERROR);

        /// Resources, operator and system of the server pass when the server recovers. A rolled
        /// back transaction can run again.
        private static final Set<ErrorClass> PASSING =
                Set.of(
                        ErrorClass.TRANSACTION_ROLLBACK,
                        ErrorClass.INSUFFICIENT_RESOURCES,
                        ErrorClass.OPERATOR_INTERVENTION,
                        ErrorClass.SYSTEM_ERROR);

        private SqlFailures() {}

        static Failure of(SQLException failure) {
            String reason = reason(failure);
            return switch (SqlFailure.of(failure)) {
                case UNREACHABLE, BUSY, RETRY, IN_USE -> new Failure.Retry(reason);
                case LIMIT_REACHED ->
                        new Failure.OperatorNeeded(
                                reason,
                                "Raise the limit ('millrace plan' shows the number of connections that is needed), or end other sessions.");
                case LOGIN_REFUSED ->
                        new Failure.OperatorNeeded(
                                reason,
                                "Correct the role's password or pg_hba.conf on the server, or write the current password to the file that password-file names. A password that is not in such a file needs a restart.");
                case DATABASE_MISSING ->
                        new Failure.OperatorNeeded(
                                reason,
                                "Restore the database, or correct the URL and restart Millrace.");
                case NO_PRIVILEGE ->
                        new Failure.OperatorNeeded(
                                reason,
                                "Grant the privilege; run 'millrace plan' to see every grant that is needed.");
                case READ_ONLY ->
                        new Failure.OperatorNeeded(
                                reason,
                                "Promote the server, end its read-only mode, or set the URL to the primary.");
                case EXHAUSTED ->
                        new Failure.OperatorNeeded(
                                reason,
                                "Free space on the server, or raise the limit that it names.");
                case NOT_CONFIGURED ->
                        reason.contains("wal_level")
                                ? new Failure.OperatorNeeded(
                                        reason, "Set wal_level = logical and restart the server.")
                                : new Failure.Unexplained(reason);
                case CANCELLED -> new Failure.Unexplained(reason);
                case REJECTED_VALUE, UNDEFINED, OTHER ->
                        passes(failure)
                                ? new Failure.Retry(reason)
                                : new Failure.Unexplained(reason);
            };
        }

        private static boolean passes(SQLException failure) {
            return failure.getSQLState() == null
                    ? failure instanceof SQLTransientException
                    : PASSING.contains(ErrorClass.of(failure));
        }

        static boolean rejectsStatement(SQLException failure) {
            return REJECTING.contains(ErrorClass.of(failure))
                    && !SqlState.LOCK_NOT_AVAILABLE.matches(failure);
        }

        static boolean keepsSession(SQLException failure) {
            return ErrorClass.of(failure) == ErrorClass.TRANSACTION_ROLLBACK
                    || SqlState.LOCK_NOT_AVAILABLE.matches(failure)
                    || SqlState.QUERY_CANCELED.matches(failure);
        }

        private static String reason(SQLException failure) {
            String state = failure.getSQLState();
            String message =
                    Reason.namesOnly(state)
                            ? Reason.of(failure)
                            : FailureClassifier.unexpected(failure);
            return state == null ? message : message + " (SQLSTATE " + state + ")";
        }
    }
}
