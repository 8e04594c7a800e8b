import { lazy } from 'react';
import { Navigate, Route, Routes } from 'react-router';
import { features } from './features.ts';
import { NotFound } from './not-found.tsx';

const screens = features
  .flatMap((feature) => Object.entries(feature.screens))
  .map(([path, load]) => ({ path, Screen: lazy(async () => ({ default: await load() })) }));

/** Which screen is at which address. */
export function Screens() {
  return (
    <Routes>
      <Route path="/login" element={<Navigate to="/" replace />} />
      {screens.map(({ path, Screen }) => (
        <Route key={path} path={path} element={<Screen />} />
      ))}
      <Route path="*" element={<NotFound />} />
    </Routes>
  );
}
