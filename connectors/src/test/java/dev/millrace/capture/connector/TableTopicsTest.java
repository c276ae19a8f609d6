package dev.millrace.capture.connector;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.TableId;
import java.util.List;
import java.util.Properties;
import org.junit.jupiter.api.Test;

class TableTopicsTest {

    private final TableTopics topics = new TableTopics(properties());

    private static Properties properties() {
        Properties properties = new Properties();
        properties.setProperty("topic.prefix", "millrace");
        return properties;
    }

    @Test
    void eachTableHasItsOwnTopic() {
        List<TableId> tables =
                List.of(
                        new TableId("a.b", "c"),
                        new TableId("a", "b.c"),
                        new TableId("a", "B"),
                        new TableId("a", "b"),
                        new TableId("a", "b_"),
                        new TableId("a", "b\""),
                        new TableId("a\".\"b", "c"));

        assertThat(tables).map(this::topicOf).doesNotHaveDuplicates();
        assertThat(tables).allSatisfy(t -> assertThat(topicOf(t)).isEqualTo(TableTopics.of(t)));
    }

    private String topicOf(TableId table) {
        return topics.dataChangeTopic(
                new io.debezium.relational.TableId("db", table.schema(), table.name()));
    }
}
