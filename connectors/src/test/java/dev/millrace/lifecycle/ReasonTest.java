package dev.millrace.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.read.ListAppender;
import java.net.ConnectException;
import java.sql.BatchUpdateException;
import java.sql.SQLException;
import java.util.stream.Stream;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.streams.errors.StreamsException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.LoggerFactory;

class ReasonTest {

    private static final String VALUE = "4711-somebody";

    /// An exception that Millrace defines.
    private static final class OwnFailure extends RuntimeException {
        private static final long serialVersionUID = 1L;

        OwnFailure(String message, Throwable cause) {
            super(message, cause);
        }

        OwnFailure(Throwable cause) {
            super(cause);
        }
    }

    static Stream<Throwable> mayQuoteAValue() {
        RuntimeException unread = new NumberFormatException("For input string: " + VALUE);
        return Stream.of(
                unread,
                new IllegalStateException(VALUE),
                new KafkaException(unread),
                new StreamsException("Exception caught in process: " + VALUE, unread),
                new StreamsException("Exception caught in process: " + VALUE),
                new SerializationException("Can't convert " + VALUE),
                new OwnFailure(unread),
                new StackOverflowError(VALUE));
    }

    @ParameterizedTest
    @MethodSource("mayQuoteAValue")
    void showsAnIncidentWhoseStackFramesAreInTheLog(Throwable failure) {
        Logger log = (Logger) LoggerFactory.getLogger("test.incidents");
        ListAppender<ILoggingEvent> logged = new ListAppender<>();
        logged.start();
        log.addAppender(logged);

        String shown = Incident.reason(log, "something failed", failure);
        log.detachAppender(logged);

        assertThat(shown)
                .startsWith("Internal error: " + failure.getClass().getSimpleName())
                .doesNotContain(VALUE);
        ILoggingEvent event = logged.list.getFirst();
        assertThat(shown).contains(String.valueOf(event.getKeyValuePairs().getFirst().value));
        assertThat(event.getFormattedMessage()).isEqualTo("something failed");
        assertThat(ThrowableProxyUtil.asString(event.getThrowableProxy()))
                .contains("ReasonTest.mayQuoteAValue")
                .doesNotContain(VALUE);
    }

    @Test
    void showsMessagesThatNameServersAndRules() {
        assertThat(Reason.of(new RuntimeException(VALUE, new ConnectException("refused"))))
                .contains("refused");
        assertThat(Reason.of(new KafkaException("made no client", new ConfigException("no such"))))
                .contains("no such");
        assertThat(Reason.of(new TimeoutException("topic a is unknown")))
                .contains("topic a is unknown");
        assertThat(
                        Reason.of(
                                new RuntimeException(
                                        VALUE,
                                        new OwnFailure(
                                                "the source could not be read",
                                                new ConnectException("refused")))))
                .contains("the source could not be read");
    }

    @ParameterizedTest
    @CsvSource({"08006", "40P01", "42501", "53300", "57P03", "55P03", "25006", "3D000", "0A000"})
    void showsTheServersMessageWithoutItsDetail(String state) {
        assertThat(Reason.of(new SQLException("ERROR: no room\n  Detail: " + VALUE, state)))
                .isEqualTo("ERROR: no room");
    }

    @ParameterizedTest
    @CsvSource({"22P02", "22001", "23505", "23514", "44000", "P0001", "38000", "XX000", "99999"})
    void omitsAServersMessageThatMayQuoteARow(String state) {
        assertThat(Reason.of(new RuntimeException(new SQLException(VALUE, state))))
                .hasValueSatisfying(reason -> assertThat(reason).contains(state))
                .hasValueSatisfying(reason -> assertThat(reason).doesNotContain(VALUE));
    }

    @Test
    void showsTheMessageOfTheFailedStatementOfABatch() {
        BatchUpdateException batch =
                new BatchUpdateException("INSERT ... (" + VALUE + ")", "08006", new int[0]);
        batch.setNextException(new SQLException("broken", "08006"));

        assertThat(Reason.of(batch)).isEqualTo("broken");
    }
}
