package dev.millrace.capture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.capture.position.PublicationGuard;
import dev.millrace.capture.position.SourcePosition.SourceLostException;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.TableId;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// An altered publication can keep changes out of the stream without an error.
class PublicationIT {

    private static final SortedSet<TableId> ITEM =
            new TreeSet<>(List.of(new TableId("public", "item")));

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    ALTER PUBLICATION p SET (publish = 'insert, update, delete') | every operation
                    ALTER PUBLICATION p SET (publish_via_partition_root = false) | through their root
                    ALTER PUBLICATION p SET TABLE item (id) | a column list
                    ALTER PUBLICATION p SET TABLE item WHERE (id > 5) | a row filter
                    ALTER PUBLICATION p ADD TABLES IN SCHEMA public | publishes a schema
                    ALTER PUBLICATION p ADD TABLE other | the mappings read
                    ALTER PUBLICATION p SET TABLE other | the mappings read
                    DROP PUBLICATION p; CREATE PUBLICATION p FOR ALL TABLES | all tables
                    """)
    void rejectsPublicationThatDoesNotCarryEveryChange(String alter, String why) throws Exception {
        TestDatabase source = source();
        try (Connection connection = login(source).connect()) {
            PublicationGuard.ensure(connection, "p", ITEM);
            source.execute(alter);

            assertThatThrownBy(() -> PublicationGuard.ensure(connection, "p", ITEM))
                    .isInstanceOf(SourceLostException.class)
                    .hasMessageContaining(why);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    ALTER PUBLICATION p SET (publish = 'insert') | ALTER PUBLICATION p SET (publish = 'insert, update, delete, truncate')
                    ALTER PUBLICATION p SET TABLE item WHERE (id > 5) | ALTER PUBLICATION p SET TABLE item
                    ALTER PUBLICATION p SET TABLE other | ALTER PUBLICATION p SET TABLE item
                    """)
    void detectsAlterationThatWasReversed(String alter, String back) throws Exception {
        TestDatabase source = source();
        try (Connection connection = login(source).connect()) {
            String identity = PublicationGuard.ensure(connection, "p", ITEM);
            source.execute("VACUUM FULL pg_publication", "VACUUM FULL pg_publication_rel");
            assertThatCode(() -> PublicationGuard.requireUnaltered(connection, "p", identity))
                    .doesNotThrowAnyException();

            source.execute(alter, back);

            assertThatThrownBy(() -> PublicationGuard.requireUnaltered(connection, "p", identity))
                    .isInstanceOf(SourceLostException.class)
                    .hasMessageContaining("was altered");
        }
    }

    @Test
    void writesNoWatermarkAfterAlterationEvenAfterRestart() throws Exception {
        try (CaptureScene scene = new CaptureScene()) {
            scene.table("item", List.of("id int", "name text"), "id", false);
            SourceCapture capture = scene.start(1);
            SourceCaptureIT.streaming(scene, capture);
            scene.awaitWatermark(capture);
            String name = CaptureSettings.publication(scene.migration);
            scene.source.execute(
                    "ALTER PUBLICATION " + name + " SET (publish = 'update, delete, truncate')",
                    "INSERT INTO item VALUES (1, 'unpublished')",
                    "ALTER PUBLICATION "
                            + name
                            + " SET (publish = 'insert, update, delete, truncate')",
                    "INSERT INTO item VALUES (2, 'published')");
            long late = scene.emit(capture).number();

            CaptureStartIT.awaitLost(capture, "was altered");
            CaptureStartIT.awaitLost(scene.start(1), "was altered");

            assertThat(scene.log())
                    .noneMatch(
                            event ->
                                    event instanceof ChangeEvent.Watermark passed
                                            && passed.watermark().number() >= late);
        }
    }

    private static TestDatabase source() {
        TestDatabase source = PostgresServer.shared().newDatabase();
        source.execute(
                "CREATE TABLE item (id int PRIMARY KEY, name text)",
                "CREATE TABLE other (id int PRIMARY KEY)");
        GrantedLogins.source(source);
        return source;
    }

    /// The capture, which creates the publication.
    private static Login login(TestDatabase source) {
        return GrantedLogins.as("source_" + source.name(), source);
    }
}
