package dev.millrace.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.kafka.BrokerException;
import java.io.EOFException;
import java.io.IOException;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.DisconnectException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.errors.DataException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

class FailureClassifierTest {

    @ParameterizedTest
    @CsvSource({
        "08006, Retry",
        "57P01, Retry",
        "57P03, Retry",
        "53300, Retry",
        "40P01, Retry",
        "55P03, Retry",
        "55006, Retry",
        "28P01, OperatorNeeded",
        "28000, OperatorNeeded",
        "3D000, OperatorNeeded",
        "42501, OperatorNeeded",
        "25006, OperatorNeeded",
        "53100, OperatorNeeded",
        "53400, OperatorNeeded",
        "57014, Unexplained",
        "25P04, Unexplained",
        "22003, Unexplained",
        "42P01, Unexplained",
        "XX000, Unexplained"
    })
    void aSqlStateHasOneMeaningHoweverItIsWrapped(String state, String meaning) {
        SQLException failure = new SQLException("says the server", state);

        assertThat(
                        List.of(
                                FailureClassifier.of(failure),
                                FailureClassifier.of(
                                        new ConnectException("engine", new IOException(failure))),
                                FailureClassifier.of(
                                        new SQLTransientConnectionException("pool", failure))))
                .allSatisfy(
                        each -> {
                            assertThat(each.getClass().getSimpleName()).isEqualTo(meaning);
                            assertThat(each.reason()).contains(state);
                        });
    }

    @Test
    void aLimitThatWaitingDoesNotRaiseNeedsAnOperator() {
        for (String fields :
                List.of(
                        "SFATAL\0C53300\0Mzu viele Verbindungen von Rolle »m«\0RInitializeSessionUserId\0",
                        "SFATAL\0C53300\0Mzu viele Verbindungen zu Datenbank »d«\0RCheckMyDatabase\0",
                        "SFATAL\0C53300\0Mmehr als »max_wal_senders«\0RInitProcess\0")) {
            assertThat(FailureClassifier.of(server(fields)))
                    .isInstanceOf(Failure.OperatorNeeded.class);
        }
        assertThat(
                        FailureClassifier.of(
                                server("SFATAL\0C53300\0Msorry, too many clients\0RInitProcess\0")))
                .isInstanceOf(Failure.Retry.class);
    }

    @Test
    void whatKafkaSaysHasItsMeaning() {
        assertThat(meaning(new TimeoutException("t"))).isEqualTo("Retry");
        assertThat(meaning(new DisconnectException("d"))).isEqualTo("Retry");
        assertThat(meaning(new SaslAuthenticationException("s"))).isEqualTo("OperatorNeeded");
        assertThat(meaning(new TopicAuthorizationException("t"))).isEqualTo("OperatorNeeded");
        assertThat(meaning(new RecordTooLargeException("r"))).isEqualTo("OperatorNeeded");
        assertThat(meaning(new ProducerFencedException("p"))).isEqualTo("OperatorNeeded");
        assertThat(meaning(new UnknownTopicOrPartitionException("u"))).isEqualTo("OperatorNeeded");
        assertThat(meaning(new OffsetOutOfRangeException(Map.of(new TopicPartition("t", 0), 5L))))
                .isEqualTo("Lost");
        assertThat(
                        meaning(
                                new BrokerException(
                                        "no answer", new java.util.concurrent.TimeoutException())))
                .isEqualTo("Retry");
        assertThat(meaning(new BrokerException("x", new TopicAuthorizationException("t"))))
                .isEqualTo("OperatorNeeded");
        assertThat(meaning(new EOFException())).isEqualTo("Retry");
    }

    @Test
    void anUnexpectedFailureIsToldByKindAndPlaceAndNeverByItsText() {
        List<Throwable> failures =
                List.of(
                        new ConnectException(
                                "Conversion of 'secret' failed", new DataException("secret")),
                        new IllegalStateException("secret"),
                        new ExecutionException(new AssertionError("secret")),
                        new SQLException("invalid input: \"secret\"", "22P02"),
                        new SQLException("RAISE 'secret'", "P0001"));

        assertThat(failures)
                .allSatisfy(
                        each -> {
                            Failure failure = FailureClassifier.of(each);
                            assertThat(failure).isInstanceOf(Failure.Unexplained.class);
                            assertThat(failure.reason())
                                    .doesNotContain("secret")
                                    .contains("FailureClassifierTest");
                        });
    }

    @Test
    void theSameReasonWithOtherNumbersIsTheSame() {
        RepeatedFailures failures = new RepeatedFailures(2);

        assertThat(failures.isTooMany(new Failure.Retry("slot \"a\" at 0/1F, pid 7"))).isFalse();
        assertThat(failures.isTooMany(new Failure.Retry("another"))).isFalse();
        assertThat(failures.isTooMany(new Failure.Retry("slot \"b\" at 1/22, pid 9"))).isTrue();
    }

    private static String meaning(Throwable failure) {
        return FailureClassifier.of(new RuntimeException("wrapped", failure))
                .getClass()
                .getSimpleName();
    }

    private static PSQLException server(String fields) {
        return new PSQLException(new ServerErrorMessage(fields));
    }
}
