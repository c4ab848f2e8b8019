"""Factor and scenario registries: the only place where a factor or a scenario is named."""
