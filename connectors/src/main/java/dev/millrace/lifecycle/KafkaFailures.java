package dev.millrace.lifecycle;

import dev.millrace.fault.Failure;
import dev.millrace.fault.Reason;
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

/// What a failure of Kafka means.
final class KafkaFailures {

    private KafkaFailures() {}

    static boolean isFence(KafkaException failure) {
        return failure instanceof ProducerFencedException
                || failure instanceof InvalidProducerEpochException
                || failure instanceof FencedInstanceIdException;
    }

    static Failure of(KafkaException failure) {
        String reason =
                "Kafka: "
                        + failure.getClass().getSimpleName()
                        + Reason.of(failure).map(said -> ": " + said).orElse("");
        return switch (failure) {
            case OffsetOutOfRangeException gone ->
                    new Failure.Lost(
                            "records of the log were deleted unread, it no longer has what lies behind "
                                    + gone.offsetOutOfRangePartitions());
            case AuthenticationException _ ->
                    new Failure.OperatorNeeded(
                            reason,
                            "Correct the credentials on the broker, or correct kafka.properties and restart Millrace.");
            case AuthorizationException _ ->
                    new Failure.OperatorNeeded(
                            reason, "Grant the migration's user the access that the broker names.");
            case ProducerFencedException _,
                    InvalidProducerEpochException _,
                    FencedInstanceIdException _ ->
                    new Failure.OperatorNeeded(
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
                            "If the topic was deleted, what it held is lost: begin again under another migration name.");
            case UnsupportedVersionException _ ->
                    new Failure.OperatorNeeded(reason, "Upgrade the broker.");
            case RetriableException _ -> new Failure.Retry(reason);
            default -> new Failure.Unexplained(reason);
        };
    }
}
