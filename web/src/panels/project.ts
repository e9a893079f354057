// What is defined, for everything below the shell.

import {createContext, useContext} from 'react';

import {appliedTo, askedOf, type Applied} from '../applied';
import type {Metric, Panel, Project} from '../live/contract';
import {useRoute} from '../route';

export const ProjectContext = createContext<Project | null>(null);

export function useProject(): Project {
  const project = useContext(ProjectContext);
  if (!project) throw new Error('used outside of the project');
  return project;
}

export function useMetric(name: string): Metric | null {
  return useProject().metrics.find((one) => one.name === name) ?? null;
}

// How the page's range, filters and comparison apply to a panel.
export function useApplied(panel: Panel): Applied {
  const {query} = useRoute();
  return appliedTo(panel, useMetric(panel.metric), query);
}

export function useAsked(panel: Panel): URLSearchParams | null {
  const {query} = useRoute();
  return askedOf(panel, useMetric(panel.metric), query);
}

export function allPanels(project: Project): Panel[] {
  return project.dashboards.flatMap((dashboard) => dashboard.rows.flat());
}
