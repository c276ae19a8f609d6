package dev.millrace.runbook;

import gg.jte.ContentType;
import gg.jte.TemplateEngine;
import gg.jte.output.StringOutput;
import java.util.List;

/// What people need to run one migration: the fields of the template of `docs/runbooks`, and the
/// steps with their commands. Contains no secret, no statement and no value of a row. Immutable.
///
/// @param fields in the order of the template
/// @param steps in the order of the migration
public record Runbook(String migration, List<Field> fields, List<Step> steps) {

    /// For a person to fill in.
    public static final String BLANK = "____________";

    public Runbook {
        fields = List.copyOf(fields);
        steps = List.copyOf(steps);
    }

    /// @param lines at least one
    public record Field(String name, List<String> lines) {

        public Field {
            lines = List.copyOf(lines);
        }
    }

    /// @param commands may be empty
    public record Step(String title, String text, List<String> commands) {

        public Step {
            commands = List.copyOf(commands);
        }
    }

    private static final class Templates {
        static final TemplateEngine ENGINE = TemplateEngine.createPrecompiled(ContentType.Html);
    }

    /// Markdown for a ticket or a repository.
    public String markdown() {
        StringBuilder text = new StringBuilder("# Runbook of migration " + migration + "\n");
        for (Field field : fields) {
            text.append("\n## ").append(field.name()).append("\n\n");
            if (field.lines().size() == 1) {
                text.append(field.lines().getFirst()).append('\n');
            } else {
                field.lines().forEach(line -> text.append("- ").append(line).append('\n'));
            }
        }
        text.append("\n## Order\n");
        for (int i = 0; i < steps.size(); i++) {
            Step step = steps.get(i);
            text.append("\n### ").append(i + 1).append(". ").append(step.title()).append("\n\n");
            text.append("- [ ] ").append(step.text()).append('\n');
            if (!step.commands().isEmpty()) {
                text.append("\n```console\n");
                step.commands().forEach(command -> text.append("$ ").append(command).append('\n'));
                text.append("```\n");
            }
        }
        return text.toString();
    }

    /// One file that loads nothing and can be printed.
    public String html() {
        StringOutput out = new StringOutput();
        Templates.ENGINE.render("runbook.jte", this, out);
        return out.toString();
    }
}
