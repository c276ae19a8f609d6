package dev.millrace.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.function.Supplier;
import javax.management.Attribute;
import javax.management.AttributeList;
import javax.management.AttributeNotFoundException;
import javax.management.DynamicMBean;
import javax.management.MBeanException;
import javax.management.MBeanInfo;
import javax.management.MBeanServer;
import javax.management.MBeanServerFactory;
import javax.management.ObjectName;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class JmxMetricsTest {

    private final MBeanServer server = MBeanServerFactory.newMBeanServer();

    /// How a bean answers.
    private interface Answer {
        @Nullable Object give() throws AttributeNotFoundException, MBeanException;
    }

    /// A bean that answers every attribute in the same way.
    private record Bean(Answer answer) implements DynamicMBean {

        @Override
        public @Nullable Object getAttribute(String attribute)
                throws AttributeNotFoundException, MBeanException {
            return answer.give();
        }

        @Override
        public void setAttribute(Attribute attribute) {
            throw new UnsupportedOperationException();
        }

        @Override
        public AttributeList getAttributes(String[] attributes) {
            throw new UnsupportedOperationException();
        }

        @Override
        public AttributeList setAttributes(AttributeList attributes) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Object invoke(String action, Object[] parameters, String[] signature) {
            throw new UnsupportedOperationException();
        }

        @Override
        public MBeanInfo getMBeanInfo() {
            return new MBeanInfo(Bean.class.getName(), "", null, null, null, null);
        }
    }

    private void consumer(String client, Answer answer) throws Exception {
        server.registerMBean(
                new Bean(answer),
                new ObjectName(
                        "kafka.consumer:type=consumer-fetch-manager-metrics,client-id=" + client));
    }

    private static Answer failing(Supplier<RuntimeException> failure) {
        return () -> {
            throw failure.get();
        };
    }

    private String metrics() throws IOException {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        PrometheusTextFormatWriter.create().write(text, new JmxMetrics(server).collect());
        return text.toString(StandardCharsets.UTF_8);
    }

    /// Zero would say that nothing is late.
    @Test
    void aValueThatCannotBeReadHasNoSample() throws Exception {
        consumer("good", () -> 7.0);
        consumer("idle", () -> 0.0);
        consumer("unmeasured", () -> Double.NaN);
        consumer("negative", () -> -1L);
        consumer("text", () -> "7");
        consumer("nothing", () -> null);
        consumer(
                "unknown",
                () -> {
                    throw new AttributeNotFoundException();
                });
        consumer(
                "checked",
                () -> {
                    throw new MBeanException(new IOException("planted"));
                });
        consumer("unchecked", failing(() -> new IllegalStateException("planted")));
        consumer(
                "error",
                () -> {
                    throw new AssertionError("planted");
                });

        assertThat(metrics().lines())
                .filteredOn(line -> line.startsWith("kafka_consumer_fetch_manager_records_lag_max"))
                .containsExactly(
                        "kafka_consumer_fetch_manager_records_lag_max{client=\"good\"} 7.0",
                        "kafka_consumer_fetch_manager_records_lag_max{client=\"idle\"} 0.0");
    }

    @Test
    void withoutABeanThereIsNoMetric() throws IOException {
        assertThat(metrics()).isEmpty();
    }
}
