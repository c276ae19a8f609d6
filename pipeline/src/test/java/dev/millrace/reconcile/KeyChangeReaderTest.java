package dev.millrace.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.ChangeEvent;
import dev.millrace.change.ChangeEvent.Origin;
import dev.millrace.change.Token;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.digest.StoredState.StoredPositions;
import dev.millrace.kafka.ChangeLog.Logged;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KeyChangeReaderTest {

    private static final StoredPositions STORED =
            new StoredPositions(
                    Map.of(
                            0,
                            new StoredPositions.Position(
                                    new Token(2, 10, 5), WatermarkNumber.none(2))));

    /// A block may be applied in part: its later changes are not in the target.
    @ParameterizedTest
    @CsvSource({
        "2, 9, 99, true",
        "2, 10, 4, true",
        "2, 10, 5, true",
        "2, 10, 6, false",
        "2, 11, 0, false",
        "1, 99, 0, true"
    })
    void onlyChangesThatTheStoredTokenCoversAreApplied(
            int generation, long offset, int index, boolean applied) {
        ChangeEvent change =
                new ChangeEvent.Update(generation, Origin.NONE, UserMapper.user(7, "a", "1"));

        assertThat(KeyChangeReader.isApplied(new Logged<>(0, offset, index, change), STORED))
                .isEqualTo(applied);
        assertThat(KeyChangeReader.isApplied(new Logged<>(1, offset, index, change), STORED))
                .as("a partition without a stored token")
                .isFalse();
    }
}
