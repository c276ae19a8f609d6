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
    void sqlStateHasTheSameMeaningInEveryWrapper(String state, String meaning) {
        SQLException failure = new SQLException("message of the server", state);

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

    /// What each SQLSTATE means for the applier: whether its transaction is repeated, and whether a
    /// statement on a table stops the table.
    @ParameterizedTest
    @CsvSource({
        "08001, Retry, false",
        "08006, Retry, false",
        "40001, Retry, false",
        "40P01, Retry, false",
        "53200, Retry, false",
        "53300, Retry, false",
        "55P03, Retry, false",
        "57P01, Retry, false",
        "57P03, Retry, false",
        "58030, Retry, false",
        "25006, OperatorNeeded, false",
        "28P01, OperatorNeeded, false",
        "3D000, OperatorNeeded, false",
        "53100, OperatorNeeded, false",
        "42501, OperatorNeeded, true",
        "21000, Unexplained, true",
        "22001, Unexplained, true",
        "22P02, Unexplained, true",
        "23502, Unexplained, true",
        "23505, Unexplained, true",
        "42P01, Unexplained, true",
        "55000, Unexplained, true",
        "P0001, Unexplained, true",
        "25P02, Unexplained, false",
        "26000, Unexplained, false",
        "57014, Unexplained, false",
        "XX001, Unexplained, false"
    })
    void sqlStateDecidesWhetherTheTableIsStopped(String state, String meaning, boolean stopsTable) {
        SQLException failure = new SQLException("message of the server", state);

        assertThat(FailureClassifier.of(failure).getClass().getSimpleName()).isEqualTo(meaning);
        assertThat(FailureClassifier.rejectsStatement(failure)).isEqualTo(stopsTable);
    }

    @Test
    void failureWithoutSqlStateIsUnexplainedAndStopsNoTable() {
        SQLException failure = new SQLException("message of the driver");

        assertThat(FailureClassifier.of(failure)).isInstanceOf(Failure.Unexplained.class);
        assertThat(FailureClassifier.rejectsStatement(failure)).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "40001, true",
        "40P01, true",
        "55P03, true",
        "57014, true",
        "08006, false",
        "57P01, false"
    })
    void sqlStateDecidesWhetherTheSessionIsKept(String state, boolean kept) {
        assertThat(FailureClassifier.keepsSession(new SQLException("message", state)))
                .isEqualTo(kept);
    }

    @Test
    void fixedLimitNeedsAnOperator() {
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
    void classifiesKafkaFailures() {
        assertThat(meaning(new TimeoutException("t"))).isEqualTo("Retry");
        assertThat(meaning(new DisconnectException("d"))).isEqualTo("Retry");
        assertThat(meaning(new SaslAuthenticationException("s"))).isEqualTo("OperatorNeeded");
        assertThat(meaning(new TopicAuthorizationException("t"))).isEqualTo("OperatorNeeded");
        assertThat(meaning(new RecordTooLargeException("r"))).isEqualTo("OperatorNeeded");
        assertThat(meaning(new ProducerFencedException("p"))).isEqualTo("TakenOver");
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
    void unexpectedFailureHasTypeAndPlaceButNoMessage() {
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
    void reasonsThatDifferInNumbersCountAsTheSame() {
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
