"""Play equipment and its repairs: a plugin that lives outside the project, with one of everything."""
