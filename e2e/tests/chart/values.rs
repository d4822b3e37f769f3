//! What the charts make of their values, and of the ways in which they are carried about.

use std::fs;

use anyhow::{Context as _, Result, ensure};

use crate::helm::{CRDS, HOME, OPERATOR, chart, copy, helm, objects, render, render_chart};

const EVERYWHERE: [(&str, &str); 4] = [
    ("ServiceAccount", HOME),
    ("ClusterRole", ""),
    ("ClusterRoleBinding", ""),
    ("Deployment", HOME),
];

#[test]
fn one_namespace_is_watched_with_a_role_there() -> Result<()> {
    let rendered = render(&["watchNamespace=shop"])?;
    let expected = [
        ("ServiceAccount", HOME),
        ("Role", "shop"),
        ("RoleBinding", "shop"),
        ("Deployment", HOME),
    ];
    ensure!(objects(&rendered) == expected, "{rendered}");
    ensure!(
        rendered.contains("- name: CHATBOX_NAMESPACE\n              value: \"shop\"\n"),
        "the operator does not get its namespace:\n{rendered}"
    );
    // The account that gets the role stays where the operator runs.
    let subject = format!(
        "subjects:\n  - kind: ServiceAccount\n    name: chatbox-operator\n    namespace: {HOME}\n"
    );
    ensure!(rendered.contains(&subject), "{rendered}");
    Ok(())
}

#[test]
fn every_namespace_is_watched_with_a_cluster_role() -> Result<()> {
    for value in ["watchNamespace=", "watchNamespace=null"] {
        let rendered = render(&[value])?;
        ensure!(objects(&rendered) == EVERYWHERE, "{value}: {rendered}");
        ensure!(
            !rendered.contains("CHATBOX_NAMESPACE"),
            "{value}: {rendered}"
        );
    }
    Ok(())
}

#[test]
fn a_value_that_is_null_or_left_out_is_the_default() -> Result<()> {
    let expected = render(&[])?;
    for value in [
        "nameOverride=null",
        "nameOverride=",
        "fullnameOverride=null",
        "fullnameOverride=",
        "image=null",
        "image.repository=null",
        "image.tag=null",
        "image.pullPolicy=null",
        "chatboxImage=null",
        "chatboxImage.repository=null",
        "imagePullSecrets=null",
        "watchNamespace=null",
        "allowedSecrets=null",
        "allowedProviderHosts=null",
        "logLevel=null",
        "nodeSelector=null",
        "tolerations=null",
        "global=null",
        "enabled=true",
    ] {
        ensure!(render(&[value])? == expected, "{value}");
    }
    ensure!(!render(&["resources=null"])?.contains("resources: null"));
    // As `--reuse-values` does it, which leaves out whatever the release before did not have.
    let folder = tempfile::tempdir()?;
    copy(&chart(OPERATOR), folder.path())?;
    fs::write(
        folder.path().join("values.yaml"),
        "resources: {limits: {memory: 256Mi}, requests: {cpu: 20m, memory: 32Mi}}\n",
    )?;
    ensure!(render_chart(folder.path(), OPERATOR, &[])? == expected);
    Ok(())
}

#[test]
fn a_part_of_a_block_leaves_the_rest_of_it() -> Result<()> {
    let rendered = render(&[
        "image.tag=v9",
        "chatboxImage.repository=registry.example/chat",
    ])?;
    for words in [
        "image: \"chatbox.dev/chatbox-operator:v9\"",
        "value: \"registry.example/chat:0.1.0\"",
        "imagePullPolicy: IfNotPresent",
    ] {
        ensure!(rendered.contains(words), "{words}: {rendered}");
    }
    Ok(())
}

#[test]
fn an_image_may_be_named_by_its_digest() -> Result<()> {
    let rendered = render(&[
        "image.tag=sha256:0a1b",
        "chatboxImage.repository=registry.example/chat@sha256:2c3d",
    ])?;
    for words in [
        "image: \"chatbox.dev/chatbox-operator@sha256:0a1b\"",
        "value: \"registry.example/chat@sha256:2c3d\"",
    ] {
        ensure!(rendered.contains(words), "{words}: {rendered}");
    }
    Ok(())
}

/// A pipeline packs charts with the commit in their versions.
#[test]
fn a_version_may_hold_what_a_label_and_a_tag_may_not() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().to_str().context("not UTF-8")?;
    let from = chart(OPERATOR);
    helm(&[
        "package",
        from.to_str().context("not UTF-8")?,
        "--version=0.1.0+abc",
        "--app-version=0.1.0+abc",
        "--destination",
        out,
    ])?;
    let packed = folder.path().join(format!("{OPERATOR}-0.1.0+abc.tgz"));
    let rendered = render_chart(&packed, OPERATOR, &[])?;
    for words in [
        "app.kubernetes.io/version: \"0.1.0_abc\"",
        "helm.sh/chart: chatbox-operator-0.1.0_abc",
        "image: \"chatbox.dev/chatbox-operator:0.1.0_abc\"",
    ] {
        ensure!(rendered.contains(words), "{words}: {rendered}");
    }
    ensure!(!rendered.contains("0.1.0+abc"), "{rendered}");
    Ok(())
}

#[test]
fn what_has_no_namespace_is_named_after_that_of_the_release() -> Result<()> {
    let rendered = render(&[])?;
    let name = format!("chatbox-operator-{HOME}");
    for words in [
        format!("kind: ClusterRole\nmetadata:\n  name: {name}\n"),
        format!("kind: ClusterRoleBinding\nmetadata:\n  name: {name}\n"),
        format!("kind: ClusterRole\n  name: {name}\n"),
    ] {
        ensure!(rendered.contains(&words), "{words}: {rendered}");
    }
    Ok(())
}

/// Each object by its name, the account that has the rights among them.
#[test]
fn names_can_be_overridden() -> Result<()> {
    for (values, name, label) in [
        (&[][..], "chatbox-operator", "chatbox-operator"),
        (&["nameOverride=mine"], "chatbox-operator-mine", "mine"),
        (&["nameOverride=operator"], "chatbox-operator", "operator"),
        (&["fullnameOverride=chat"], "chat", "chatbox-operator"),
        (
            &["fullnameOverride=chat", "nameOverride=operator"],
            "chat",
            "operator",
        ),
    ] {
        let rendered = render(values)?;
        let names = rendered.matches(&format!("\n  name: {name}\n")).count();
        // The account and the Deployment, and beside them the names of what has no namespace.
        ensure!(names == 2, "{values:?}: {rendered}");
        let cluster = format!("\n  name: {name}-{HOME}\n");
        ensure!(
            rendered.matches(&cluster).count() == 3,
            "{values:?}: {rendered}"
        );
        for words in [
            format!("serviceAccountName: {name}\n"),
            format!("  - kind: ServiceAccount\n    name: {name}\n"),
            format!(
                "matchLabels:\n      app.kubernetes.io/name: {label}\n      app.kubernetes.io/instance: chatbox-operator\n"
            ),
        ] {
            ensure!(rendered.contains(&words), "{values:?} {words}: {rendered}");
        }
    }
    Ok(())
}

#[test]
fn what_a_chatbox_may_name_reaches_the_operator() -> Result<()> {
    let rendered = render(&[
        "allowedSecrets={llm-*,jwt}",
        "allowedProviderHosts={*.example:8443}",
    ])?;
    for (name, value) in [
        ("CHATBOX_ALLOWED_SECRETS", "llm-*,jwt"),
        ("CHATBOX_ALLOWED_PROVIDER_HOSTS", "*.example:8443"),
    ] {
        let words = format!("- name: {name}\n              value: {value:?}\n");
        ensure!(rendered.contains(&words), "{rendered}");
    }
    ensure!(!render(&[])?.contains("CHATBOX_ALLOWED"));
    Ok(())
}

#[test]
fn a_wrong_value_is_refused_by_its_name() -> Result<()> {
    for (value, words) in [
        ("watchNamespace=Shop", "'/watchNamespace'"),
        (
            "watchNamespace=123",
            "'/watchNamespace': got number, want null or string",
        ),
        ("nameOverride=Chat", "'/nameOverride'"),
        ("fullnameOverride=chat_operator", "'/fullnameOverride'"),
        ("image.pullPolicy=Sometimes", "'/image/pullPolicy'"),
        ("logLevel=", "'/logLevel'"),
        ("logLevel= ", "'/logLevel'"),
        ("allowedSecrets={ }", "'/allowedSecrets/0'"),
        ("allowedSecrets={a\\,b}", "'/allowedSecrets/0'"),
        ("replicas=2", "'replicas' not allowed"),
    ] {
        let Err(error) = render(&[value]) else {
            anyhow::bail!("the chart takes {value}");
        };
        let error = error.to_string();
        ensure!(error.contains(words), "{value}: {error}");
    }
    Ok(())
}

/// A chart of a platform that has both as dependencies with conditions, in a release of its own name.
#[test]
fn both_are_dependencies_with_a_condition() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let dependency =
        |name: &str| format!("- {{name: {name}, version: 0.1.0, condition: {name}.enabled}}\n");
    let description = format!(
        "apiVersion: v2\nname: platform\nversion: 1.0.0\ndependencies:\n{}{}",
        dependency(CRDS),
        dependency(OPERATOR)
    );
    fs::write(folder.path().join("Chart.yaml"), description)?;
    for name in [CRDS, OPERATOR] {
        copy(&chart(name), &folder.path().join("charts").join(name))?;
    }
    let enabled = |crds: &str, operator: &str| {
        let values = [
            format!("{CRDS}.enabled={crds}"),
            format!("{OPERATOR}.enabled={operator}"),
            format!("{OPERATOR}.watchNamespace=null"),
            "global.team=chat".to_owned(),
        ];
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        render_chart(folder.path(), "platform", &values)
    };
    let both = enabled("true", "true")?;
    let definition = ("CustomResourceDefinition", "");
    ensure!(objects(&both).contains(&definition), "{both}");
    for object in EVERYWHERE {
        ensure!(objects(&both).contains(&object), "{object:?}: {both}");
    }
    // Other charts of the release may name theirs after it alone.
    ensure!(
        both.contains("\n  name: platform-chatbox-operator\n"),
        "{both}"
    );
    ensure!(!both.contains("\n  name: platform\n"), "{both}");
    ensure!(objects(&enabled("true", "false")?) == [definition]);
    ensure!(!enabled("false", "true")?.contains("CustomResourceDefinition"));
    ensure!(objects(&enabled("false", "false")?).is_empty());
    Ok(())
}

#[test]
fn a_packed_chart_is_the_same() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().to_str().context("not UTF-8")?;
    for name in [CRDS, OPERATOR] {
        let from = chart(name);
        helm(&[
            "package",
            from.to_str().context("not UTF-8")?,
            "--destination",
            out,
        ])?;
        let packed = folder.path().join(format!("{name}-0.1.0.tgz"));
        ensure!(
            render_chart(&packed, name, &[])? == render_chart(&from, name, &[])?,
            "{name}"
        );
    }
    Ok(())
}

/// What fetches a chart from a repository may drop links.
#[test]
fn a_copy_without_links_is_the_same() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for name in [CRDS, OPERATOR] {
        let to = folder.path().join(name);
        copy(&chart(name), &to)?;
        ensure!(
            render_chart(&to, name, &[])? == render_chart(&chart(name), name, &[])?,
            "{name}"
        );
        // And a copy that has lost a file says so.
        fs::remove_dir_all(to.join("files"))?;
        let error = render_chart(&to, name, &[]).err().context("it renders")?;
        ensure!(
            error
                .to_string()
                .contains("is missing in this copy of the chart"),
            "{error}"
        );
    }
    // A link that was checked out as text.
    fs::create_dir(folder.path().join(CRDS).join("files"))?;
    let file = folder.path().join(CRDS).join("files/chatbox.yaml");
    fs::write(file, "../../../crds/chatbox.yaml")?;
    let error = render_chart(&folder.path().join(CRDS), CRDS, &[]);
    let error = error.err().context("it renders")?.to_string();
    ensure!(error.contains("is not the definition"), "{error}");
    Ok(())
}

#[test]
fn the_definition_is_kept_unless_it_is_said_otherwise() -> Result<()> {
    let annotations = [
        "helm.sh/resource-policy: keep",
        "kustomize.toolkit.fluxcd.io/prune: disabled",
        "argocd.argoproj.io/sync-options: Prune=false,Delete=false",
    ];
    for (values, expected) in [
        (&[][..], true),
        (&["keep=null"], true),
        (&["keep=true"], true),
        (&["keep=false"], false),
    ] {
        let rendered = render_chart(&chart(CRDS), CRDS, values)?;
        for annotation in annotations {
            ensure!(rendered.contains(annotation) == expected, "{values:?}");
        }
    }
    Ok(())
}
