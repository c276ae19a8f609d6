package dev.millrace.spec;

import dev.millrace.spec.queries.QueryPair;
import dev.millrace.spec.scalar.Problems;
import dev.millrace.spec.scalar.Scalar;
import dev.millrace.spec.setting.Setting;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Binds an entry of `queries` and checks it. [SpecForm] has the rules; `plan` checks the
/// statements on the servers.
record QueryForm(
        @Setting(
                        value = "The name in reports.",
                        required = true,
                        pattern = QueryPair.NAME,
                        examples = "orders-of-customer")
                @Nullable Scalar name,
        @Setting(
                        value = "The SELECT for the source, with parameters $1, $2 and so on.",
                        required = true,
                        examples = "SELECT id, total FROM shop.orders WHERE customer = $1")
                @Nullable Scalar old,
        @Setting(
                        value =
                                "The SELECT for the target, with the same parameters. It must give"
                                        + " the same rows; their order is not compared.",
                        key = "new",
                        required = true,
                        examples = "SELECT id, amount FROM crm.purchase WHERE buyer = $1")
                @Nullable Scalar next,
        @Setting(
                        value =
                                "A SELECT over the source whose rows are the parameters. At most"
                                        + " 200 of them are used.",
                        examples = "SELECT id FROM shop.customer ORDER BY random() LIMIT 50")
                @Nullable Scalar parameters,
        @Setting(
                        value =
                                "The role whose privileges the statements have on both sides. The"
                                        + " logins must be members of it. Without it, the privileges of"
                                        + " the logins apply.",
                        examples = "shop_reader")
                @Nullable Scalar role) {

    static List<QueryPair> check(@Nullable List<QueryForm> forms, Problems problems) {
        List<QueryPair> pairs = new ArrayList<>();
        Map<String, Scalar> names = new HashMap<>();
        for (QueryForm form : forms == null ? List.<QueryForm>of() : forms) {
            if (form.name == null || form.old == null || form.next == null) {
                continue;
            }
            Scalar first = names.putIfAbsent(form.name.text(), form.name);
            if (first != null) {
                problems.add(form.name, "is already used at " + first.at(), "use another name");
            }
            if (!form.name.text().matches(QueryPair.NAME)) {
                problems.add(
                        form.name,
                        "is not a name",
                        "use at most 60 of a-z, A-Z, 0-9, '.', '_' and '-'");
            }
            pairs.add(
                    new QueryPair(
                            form.name.text(),
                            one(form.old, problems),
                            one(form.next, problems),
                            Optional.ofNullable(form.parameters).map(each -> one(each, problems)),
                            Optional.ofNullable(form.role).map(Scalar::text)));
        }
        return List.copyOf(pairs);
    }

    /// A semicolon could begin a second statement, which would not be limited to reading.
    static String one(Scalar statement, Problems problems) {
        String text = statement.text().strip();
        if (text.isEmpty()) {
            problems.add(statement, "is empty", "write a SELECT");
        } else if (text.indexOf(';') >= 0) {
            problems.add(
                    statement,
                    "contains a semicolon",
                    "write one SELECT without it; in a string use chr(59)");
        }
        return text;
    }
}
