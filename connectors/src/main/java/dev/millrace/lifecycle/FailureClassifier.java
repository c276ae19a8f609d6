package dev.millrace.lifecycle;

import dev.millrace.broker.BrokerException;
import dev.millrace.fault.Failure;
import java.io.IOException;
import java.sql.SQLException;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.common.KafkaException;
import org.jspecify.annotations.Nullable;

/// The one place that decides what a failure means, for capture, mappings, apply and probes. Looks
/// through all causes, because the engine, pools and Kafka Streams wrap what the server said.
/// Thread-safe.
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

    /// Whether another process has taken over what this one wrote to.
    public static boolean isFenced(Throwable failure) {
        KafkaException kafka = deepestOfKafka(failure);
        return kafka != null && KafkaFailures.isFence(kafka);
    }

    /// The kind and the place; the message is left out, because it may quote a row.
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

    /// Kafka Connect's exceptions are Kafka exceptions too, but say nothing about the broker.
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
}
