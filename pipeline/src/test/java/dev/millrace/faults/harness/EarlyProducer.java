package dev.millrace.faults.harness;

import dev.millrace.kafka.KafkaClients;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/// A producer that acknowledges every record and every commit at once, and sends them to the broker
/// a second later, in order: what a component does that does not wait for the broker.
public final class EarlyProducer {

    private static final Duration BEHIND = Duration.ofSeconds(1);

    private final Producer<byte[], byte[]> broker;
    private final ScheduledExecutorService later =
            Executors.newSingleThreadScheduledExecutor(
                    task -> Thread.ofPlatform().daemon().unstarted(task));

    private EarlyProducer(Producer<byte[], byte[]> broker) {
        this.broker = broker;
    }

    /// Instead of [KafkaClients#transactionalProducer].
    public static Producer<byte[], byte[]> open(Map<String, Object> kafka, String id) {
        return before(KafkaClients.transactionalProducer(kafka, id));
    }

    /// Acknowledges what the other producer has not sent yet.
    @SuppressWarnings("unchecked")
    public static Producer<byte[], byte[]> before(Producer<byte[], byte[]> broker) {
        EarlyProducer early = new EarlyProducer(broker);
        return (Producer<byte[], byte[]>)
                Proxy.newProxyInstance(
                        EarlyProducer.class.getClassLoader(),
                        new Class<?>[] {Producer.class},
                        (_, method, arguments) -> early.call(method, arguments));
    }

    private @Nullable Object call(Method method, Object @Nullable [] arguments) throws Throwable {
        return switch (method.getName()) {
            case "send" -> {
                later(method, arguments);
                ProducerRecord<?, ?> sent =
                        (ProducerRecord<?, ?>) Objects.requireNonNull(arguments)[0];
                yield CompletableFuture.completedFuture(
                        new RecordMetadata(
                                new TopicPartition(
                                        sent.topic(),
                                        Objects.requireNonNullElse(sent.partition(), 0)),
                                -1,
                                0,
                                0,
                                0,
                                0));
            }
            case "beginTransaction", "commitTransaction", "flush" -> {
                later(method, arguments);
                yield null;
            }
            default -> invoke(method, arguments);
        };
    }

    private void later(Method method, Object @Nullable [] arguments) {
        var _ =
                later.schedule(
                        () -> {
                            try {
                                return invoke(method, arguments);
                            } catch (Throwable e) {
                                throw new IllegalStateException(e);
                            }
                        },
                        BEHIND.toMillis(),
                        TimeUnit.MILLISECONDS);
    }

    private @Nullable Object invoke(Method method, Object @Nullable [] arguments) throws Throwable {
        try {
            return method.invoke(broker, arguments);
        } catch (InvocationTargetException e) {
            throw Objects.requireNonNull(e.getCause());
        }
    }
}
