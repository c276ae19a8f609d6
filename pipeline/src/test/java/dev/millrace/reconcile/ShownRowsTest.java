package dev.millrace.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.RowMapper;
import dev.millrace.reconcile.ShownValues.HashKey;
import dev.millrace.sql.Relation;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// Which columns of a row people see, of tables that give several target tables.
class ShownRowsTest {

    private static final TableId USERS = new TableId("public", "users");
    private static final TableId PERSON = new TableId("crm", "person");
    private static final TableId PROFILE = new TableId("crm", "profile");
    private static final TableId NOTE = new TableId("public", "note");

    private static final List<String> USERS_COLUMNS =
            List.of("id", "name", "email", "bio", "internal");

    private record Columns(Map<String, String> copies, Optional<Set<String>> reads)
            implements RowMapper {

        @Override
        public MappedRow map(Row source) {
            throw new UnsupportedOperationException("Only the columns are asked for.");
        }

        @Override
        public Row key(Row source) {
            throw new UnsupportedOperationException("Only the columns are asked for.");
        }
    }

    private static Mapping mapping(
            TableId source,
            TableId target,
            List<String> columns,
            Map<String, String> copies,
            Optional<Set<String>> reads) {
        return new Mapping(
                source,
                RowSchema.keyed(target, columns, List.of("id")),
                Collections.nCopies(
                        columns.size(),
                        new Relation.SqlType("pg_catalog", "text", "text", -1, Optional.empty())),
                "",
                "",
                new Columns(copies, reads));
    }

    /// `SELECT id, name, lower(email) AS email FROM users`, with the email sensitive.
    private static Mapping person() {
        return mapping(
                USERS,
                PERSON,
                List.of("id", "name", "email"),
                Map.of("id", "id", "name", "name"),
                Optional.of(Set.of("id", "name", "email")));
    }

    /// `SELECT id, bio, email FROM users`, with nothing sensitive.
    private static Mapping profile() {
        return mapping(
                USERS,
                PROFILE,
                List.of("id", "bio", "email"),
                Map.of("id", "id", "bio", "bio", "email", "email"),
                Optional.of(Set.of("id", "bio", "email")));
    }

    private static ShownRows rows(Map<TableId, Set<String>> sensitive, Mapping... mappings) {
        return new ShownRows(
                List.of(mappings), SensitiveColumns.ofTargets(sensitive), new HashKey());
    }

    private static List<String> shown(ShownValues values, List<String> columns) {
        return columns.stream().filter(column -> values.shown(column, "v").equals("v")).toList();
    }

    @Test
    void aSourceColumnIsShownIfItIsACopyAndGivesNothingSensitive() {
        ShownRows rows = rows(Map.of(PERSON, Set.of("email")), person(), profile());

        assertThat(shown(rows.ofSource(USERS, USERS_COLUMNS), USERS_COLUMNS))
                .as("the email gives a sensitive column, and nobody knows the internal one")
                .containsExactly("id", "name", "bio");
        assertThat(shown(rows.ofImage(PROFILE, USERS_COLUMNS), USERS_COLUMNS))
                .containsExactly("id", "name", "bio");
    }

    @Test
    void aMappingThatMayReadEverythingHidesWhatItDoesNotCopy() {
        Mapping unknown =
                mapping(
                        USERS,
                        PERSON,
                        List.of("id", "email"),
                        Map.of("id", "id"),
                        Optional.empty());

        assertThat(
                        shown(
                                rows(Map.of(PERSON, Set.of("email")), unknown, profile())
                                        .ofSource(USERS, USERS_COLUMNS),
                                USERS_COLUMNS))
                .containsExactly("id");
    }

    @Test
    void aTargetHidesItsOwnColumnsOnly() {
        ShownRows rows = rows(Map.of(PERSON, Set.of("email")), person(), profile());

        assertThat(shown(rows.ofTarget(PERSON, USERS_COLUMNS), USERS_COLUMNS))
                .doesNotContain("email")
                .contains("id", "name");
        assertThat(shown(rows.ofTarget(PROFILE, USERS_COLUMNS), USERS_COLUMNS))
                .isEqualTo(USERS_COLUMNS);
    }

    @Test
    void withoutSensitiveColumnsEverythingIsShown() {
        ShownRows rows = rows(Map.of(), person(), profile());

        assertThat(shown(rows.ofSource(USERS, USERS_COLUMNS), USERS_COLUMNS))
                .isEqualTo(USERS_COLUMNS);
        assertThat(shown(rows.ofImage(PERSON, USERS_COLUMNS), USERS_COLUMNS))
                .isEqualTo(USERS_COLUMNS);
    }

    @Test
    void nothingIsShownOfATableThatNoMappingHas() {
        ShownRows rows = rows(Map.of(PERSON, Set.of("email")), person());

        assertThat(shown(rows.ofSource(NOTE, List.of("id")), List.of("id"))).isEmpty();
        assertThat(shown(rows.ofTarget(NOTE, List.of("id")), List.of("id"))).isEmpty();
        assertThat(shown(rows.ofImage(NOTE, List.of("id")), List.of("id"))).isEmpty();
    }
}
