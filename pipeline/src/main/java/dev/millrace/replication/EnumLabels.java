package dev.millrace.replication;

import dev.millrace.change.TableId;
import dev.millrace.mapping.Mapping;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Session;
import dev.millrace.postgres.types.TypeParts;
import dev.millrace.postgres.types.TypeParts.Kind;
import dev.millrace.postgres.types.TypeParts.Part;
import dev.millrace.sql.Relation;
import dev.millrace.sql.Relation.SqlType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/// Finds labels of enums that the source has and the target lacks. A row with such a label waits
/// until the target has it. Immutable.
record EnumLabels(List<Mapping> mappings) {

    EnumLabels {
        mappings = List.copyOf(mappings);
    }

    /// A column of a target table.
    record Column(TableId table, String name) {}

    /// Whether a type can contain an enum.
    boolean concernsTables() {
        return mappings.stream()
                .flatMap(mapping -> mapping.outputs().stream())
                .anyMatch(EnumLabels::isDefined);
    }

    private static boolean isDefined(SqlType type) {
        return !type.schema().equals("pg_catalog");
    }

    Map<SqlType, List<Part>> onSource(Session session) {
        Set<SqlType> types = new HashSet<>();
        mappings.forEach(
                mapping ->
                        mapping.outputs().stream()
                                .filter(EnumLabels::isDefined)
                                .forEach(types::add));
        return TypeParts.read(session, types);
    }

    Map<Column, List<Part>> onTarget(Session session) {
        Set<TableId> tables = new HashSet<>();
        mappings.forEach(mapping -> tables.add(mapping.target().table().whole()));
        Map<Column, SqlType> columns = new HashMap<>();
        for (Relation table : session.targetCatalog().relations(tables).values()) {
            table.columns().stream()
                    .filter(column -> isDefined(column.type()))
                    .forEach(
                            column ->
                                    columns.put(
                                            new Column(table.id(), column.name()), column.type()));
        }
        Map<SqlType, List<Part>> parts = TypeParts.read(session, new HashSet<>(columns.values()));
        Map<Column, List<Part>> found = new HashMap<>();
        columns.forEach((column, type) -> found.put(column, parts.getOrDefault(type, List.of())));
        return found;
    }

    /// @return one sentence per column and type, with what to do
    List<String> missing(Map<SqlType, List<Part>> source, Map<Column, List<Part>> target) {
        Map<String, String> sentences = new TreeMap<>();
        for (Mapping mapping : mappings) {
            TableId table = mapping.target().table().whole();
            for (String name : mapping.target().columns()) {
                SqlType type = mapping.outputs().get(mapping.target().position(name));
                List<Part> accepts = target.getOrDefault(new Column(table, name), List.of());
                for (Part part : source.getOrDefault(type, List.of())) {
                    List<Part> same =
                            accepts.stream().filter(other -> isSame(part, other)).toList();
                    List<String> labels = new ArrayList<>(part.definition());
                    same.forEach(other -> labels.removeAll(other.definition()));
                    if (!same.isEmpty() && !labels.isEmpty()) {
                        sentences.put(
                                table + "." + name + "." + part.name(),
                                sentence(table, name, same.getFirst(), labels));
                    }
                }
            }
        }
        return List.copyOf(sentences.values());
    }

    private static boolean isSame(Part part, Part other) {
        return part.kind() == Kind.ENUM
                && other.kind() == Kind.ENUM
                && part.name().equals(other.name());
    }

    private static String sentence(TableId table, String column, Part type, List<String> labels) {
        String name = Identifier.quote(type.schema()) + "." + Identifier.quote(type.name());
        List<String> remedies =
                labels.stream()
                        .map(
                                label ->
                                        "ALTER TYPE "
                                                + name
                                                + " ADD VALUE "
                                                + Identifier.literal(label).strip()
                                                + ";")
                        .toList();
        return "column %s of target table %s: the enum %s has no label %s, which the source has. Rows with it wait and continue by themselves. Run on the target: %s"
                .formatted(
                        column, table, name, String.join(", ", labels), String.join(" ", remedies));
    }
}
