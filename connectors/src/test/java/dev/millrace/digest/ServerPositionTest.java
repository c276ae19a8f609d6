package dev.millrace.digest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.TableId;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Whether row versions can be told apart after a moment, without a server.
class ServerPositionTest {

    private static final TableId USERS = new TableId("public", "users");

    private static ServerPosition position(String server, long transaction, long next) {
        return new ServerPosition(server, transaction, next, Map.of("public.users", "1"));
    }

    @ParameterizedTest
    @CsvSource({
        "1000, 1000, 1001",
        "1000, 1000, 2000000000",
        // A wraparound between the two.
        "4294967290, 4294967300, 4294967400",
        "4294967290, 4294967290, 6000000000",
        "0, 5, 5"
    })
    void laterPositionOfTheSameServerIsNoObstacle(long transaction, long next, long now) {
        assertThat(position("a/1", transaction, next).obstacle(position("a/1", now, now), USERS))
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "1000, 1000, a/1, 999, ids went back",
        "4294967300, 4294967300, a/1, 4294967299, ids went back",
        "1000, 1000, a/2, 2000, promoted",
        "1000, 1000, b/1, 2000, replaced",
        "1000, 1000, a/1, 2147484648, 2 billion",
        "4294967290, 4294967290, a/1, 8589934591, 2 billion"
    })
    void obstaclesAreNamed(long transaction, long next, String server, long now, String why) {
        assertThat(position("a/1", transaction, next).obstacle(position(server, now, now), USERS))
                .hasValueSatisfying(reason -> assertThat(reason).contains(why));
    }

    @Test
    void changedOrUnknownDefinitionIsAnObstacle() {
        ServerPosition before = position("a/1", 1000, 1000);

        assertThat(before.obstacle(new ServerPosition("a/1", 1, 1001, Map.of()), USERS))
                .isPresent();
        assertThat(
                        before.obstacle(
                                new ServerPosition("a/1", 1, 1001, Map.of("public.users", "2")),
                                USERS))
                .isPresent();
        assertThat(before.obstacle(before, new TableId("public", "others"))).isPresent();
    }
}
